"""Goods in a wrapping: SVG shapes in a field of 200 by 200, the wrapping's colours in braces.

{p} its colour, {d} a darker, {l} a lighter one; {a} the department's.
"""

GLYPHS = {
    "can": '<path fill="{p}" d="M62 62h76v84a38 10 0 0 1-76 0z"/><path fill="{l}" d="M62 82h76v44H62z"/>'
    '<circle cx="100" cy="104" r="15" fill="{d}"/><ellipse cx="100" cy="62" rx="38" ry="10" fill="#d9dcdf"/>'
    '<ellipse cx="100" cy="61" rx="31" ry="7" fill="#b9bec4"/>',
    "jar": '<rect x="68" y="46" width="64" height="18" rx="4" fill="{d}"/>'
    '<path fill="{p}" d="M66 66h68q8 8 8 20v58q0 12-12 12H70q-12 0-12-12V86q0-12 8-20z"/>'
    '<rect x="58" y="92" width="84" height="38" fill="{l}"/><path d="M76 104h48M84 116h32" stroke="{d}" '
    'stroke-width="5" stroke-linecap="round"/>',
    "bottle": '<rect x="88" y="34" width="24" height="14" rx="3" fill="{d}"/>'
    '<path fill="{p}" d="M90 48h20v22q18 10 18 30v46q0 10-10 10H82q-10 0-10-10v-46q0-20 18-30z"/>'
    '<rect x="72" y="102" width="56" height="34" fill="{l}"/><circle cx="100" cy="119" r="10" fill="{d}"/>',
    "box": '<path fill="{d}" d="M134 50l16 10v90l-16 8z"/><rect x="54" y="50" width="80" height="108" rx="3" fill="{p}"/>'
    '<rect x="64" y="62" width="60" height="26" rx="4" fill="{l}"/><path d="M72 75h44" stroke="{d}" stroke-width="6" '
    'stroke-linecap="round"/><circle cx="94" cy="122" r="22" fill="{l}"/><path d="M80 122a14 14 0 0 0 28 0z" fill="{a}"/>',
    "bag": '<path fill="{p}" d="M60 48l8 6 8-6 8 6 8-6 8 6 8-6 8 6 8-6 8 6 8-6q-6 26-4 54t6 56l-8-6-8 6-8-6-8 6-8-6-8 6-8-6'
    '-8 6-8-6-8 6q4-28 6-56t-4-54z"/><path fill="{l}" d="M66 84q34-12 68 0v34q-34 12-68 0z"/>'
    '<circle cx="100" cy="101" r="14" fill="{d}"/>',
    "carton": '<path fill="{d}" d="M72 66l14-22h40l12 22z"/><rect x="82" y="36" width="44" height="10" rx="2" fill="{p}"/>'
    '<rect x="66" y="66" width="72" height="92" rx="3" fill="{p}"/><path fill="{l}" d="M66 104q18-14 36 0t36 0v40H66z"/>'
    '<circle cx="102" cy="86" r="9" fill="{l}"/>',
    "tub": '<path fill="{p}" d="M58 72h84l-10 78q-1 8-9 8H77q-8 0-9-8z"/><rect x="52" y="58" width="96" height="16" rx="6" '
    'fill="{d}"/><ellipse cx="100" cy="116" rx="28" ry="20" fill="{l}"/><path d="M86 118q14 12 28 0" stroke="{a}" '
    'stroke-width="6" fill="none" stroke-linecap="round"/>',
}
