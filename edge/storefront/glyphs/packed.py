"""Goods in a wrapping: SVG shapes in a field of 200 by 200, the wrapping's colours in braces.

{p} its colour, {d} a darker, {l} a lighter one; {a} the colour of this variety.
"""

_LINES = 'stroke="{d}" stroke-width="5" stroke-linecap="round"'

GLYPHS = {
    "can": '<path fill="{p}" d="M62 62h76v84a38 10 0 0 1-76 0z"/><path fill="{l}" d="M62 82h76v44H62z"/><circle cx="100" '
    'cy="104" r="15" fill="{a}"/><ellipse cx="100" cy="62" rx="38" ry="10" fill="#d9dcdf"/><ellipse cx="100" cy="61" rx="31" '
    'ry="7" fill="#b9bec4"/><path fill="#fff" fill-opacity=".22" d="M68 70h9v80q-5-2-9-5z"/>',
    "soda": '<path fill="#c9cdd1" d="M76 42h48l6 12H70z"/><rect x="68" y="52" width="64" height="100" rx="8" fill="{p}"/><path '
    'fill="{l}" d="M68 96q32-26 64-4v26q-32-22-64 4z"/><circle cx="100" cy="80" r="11" fill="{a}"/><path fill="#c9cdd1" '
    'd="M72 148h56l-6 12H78z"/><path fill="#fff" fill-opacity=".25" d="M74 58h8v88h-8z"/>',
    "jar": '<rect x="68" y="46" width="64" height="18" rx="4" fill="{d}"/><path fill="{p}" d="M66 66h68q8 8 8 20v58q0 12-12 '
    '12H70q-12 0-12-12V86q0-12 8-20z"/><rect x="58" y="92" width="84" height="38" fill="{l}"/><circle cx="76" cy="111" r="9" '
    f'fill="{{a}}"/><path d="M94 104h34M94 117h24" {_LINES}/>',
    "bottle": '<rect x="88" y="34" width="24" height="14" rx="3" fill="{d}"/><path fill="{p}" d="M90 48h20v22q18 10 18 30v46q0 '
    '10-10 10H82q-10 0-10-10v-46q0-20 18-30z"/><rect x="72" y="102" width="56" height="34" fill="{l}"/><circle cx="100" '
    'cy="119" r="11" fill="{a}"/><path fill="#fff" fill-opacity=".25" d="M78 98q2-12 10-18v18z"/>',
    "water": '<rect x="88" y="32" width="24" height="13" rx="3" fill="{d}"/><path fill="#a8d3e6" d="M90 46h20v16q16 8 16 26v62q0 '
    '8-8 8H82q-8 0-8-8V88q0-18 16-26z"/><path fill="{l}" d="M74 96h52v32H74z"/><path fill="{p}" d="M100 98q11 14 11 '
    '20a11 10 0 0 1-22 0q0-6 11-20z"/><path fill="#fff" fill-opacity=".4" d="M80 84q2-10 8-14l2 16z"/>',
    "jug": '<rect x="82" y="38" width="26" height="14" rx="3" fill="{d}"/><path fill="{p}" d="M78 52h34q26 12 30 40v54q0 12-12 '
    '12H70q-12 0-12-12V90q2-26 20-38z"/><path fill="#fff" fill-opacity=".75" d="M120 78q10 8 10 22-10 0-10-22z"/><rect '
    'x="58" y="104" width="84" height="36" fill="{l}"/><circle cx="100" cy="122" r="12" fill="{a}"/>',
    "spray": '<path fill="{d}" d="M74 42h42l14 12-14 4v14H86V56q-10 0-14 8l-6-4q2-12 8-18z"/><path fill="{p}" d="M84 72h34v14q20 '
    '10 20 30v34q0 8-8 8H72q-8 0-8-8v-34q0-20 20-30z"/><rect x="64" y="108" width="74" height="32" fill="{l}"/><circle '
    'cx="101" cy="124" r="11" fill="{a}"/>',
    "pump": '<path d="M100 64V46H74" stroke="{d}" stroke-width="9" fill="none" stroke-linecap="round"/><rect x="82" y="62" '
    'width="36" height="16" rx="4" fill="{d}"/><rect x="62" y="78" width="76" height="80" rx="16" fill="{p}"/><rect x="74" '
    'y="98" width="52" height="40" rx="6" fill="{l}"/><path fill="{a}" d="M100 102q11 14 11 20a11 10 0 0 1-22 0q0-6 11-20z"/>',
    "shampoo": '<path fill="{d}" d="M84 38h32v20H84z"/><path fill="{p}" d="M76 58h48q14 6 14 30v60q0 10-10 10H72q-10 0-10-10V88q0-'
    '24 14-30z"/><ellipse cx="100" cy="112" rx="25" ry="30" fill="{l}"/><path d="M88 118q12-26 24-18-2 20-24 18z" fill="{a}"/>',
    "tube": '<path fill="{p}" d="M66 40h68l-10 100H76z"/><path fill="{d}" d="M64 36h72v12H64z"/><rect x="80" y="140" width="40" '
    'height="18" rx="4" fill="{d}"/><path fill="{l}" d="M72 74h56l-3 32H75z"/><circle cx="100" cy="90" r="10" fill="{a}"/>',
    "stick": '<rect x="70" y="72" width="60" height="86" rx="12" fill="{p}"/><path fill="#f7f4ee" d="M78 74V60q0-18 22-18t22 18v14z"/>'
    '<rect x="66" y="70" width="68" height="12" rx="4" fill="{d}"/><ellipse cx="100" cy="118" rx="20" ry="24" fill="{l}"/><path '
    'd="M92 120l6 8 12-16" stroke="{a}" stroke-width="6" fill="none" stroke-linecap="round"/>',
    "pills": '<rect x="70" y="42" width="60" height="22" rx="5" fill="#f7f4ee"/><path d="M80 46v14M92 46v14M104 46v14M116 46v14" '
    'stroke="#d8d2c6" stroke-width="4"/><path fill="{p}" d="M66 66h68q6 6 6 16v66q0 10-10 10H70q-10 0-10-10V82q0-10 6-16z"/>'
    '<rect x="60" y="90" width="80" height="44" fill="#fff"/><path d="M100 98v28M86 112h28" stroke="{a}" stroke-width="9" '
    'stroke-linecap="round"/>',
    "box": '<path fill="{d}" d="M134 50l16 10v90l-16 8z"/><rect x="54" y="50" width="80" height="108" rx="3" fill="{p}"/><rect '
    'x="64" y="62" width="60" height="26" rx="4" fill="{l}"/><path d="M72 75h44" stroke="{d}" stroke-width="6" '
    'stroke-linecap="round"/><circle cx="94" cy="122" r="22" fill="{l}"/><path d="M79 122a15 15 0 0 0 30 0z" fill="{a}"/>',
    "cereal": '<path fill="{d}" d="M138 40l16 10v98l-16 10z"/><rect x="50" y="40" width="88" height="118" rx="3" fill="{p}"/><path '
    'fill="{l}" d="M58 52h72v22H58z"/><path d="M68 63h52" stroke="{d}" stroke-width="7" stroke-linecap="round"/><path '
    'fill="#f7f4ee" d="M60 112h68q-2 34-34 34t-34-34z"/><g fill="none" stroke="{a}" stroke-width="6"><circle cx="78" cy="104" '
    'r="7"/><circle cx="98" cy="98" r="7"/><circle cx="114" cy="106" r="6"/></g>',
    "flatbox": '<path fill="{d}" d="M36 136h128v14q0 6-6 6H42q-6 0-6-6z"/><path fill="{p}" d="M52 74h96l16 62H36z"/><path '
    'fill="{l}" d="M64 84h72l4 16H60z"/><ellipse cx="100" cy="119" rx="40" ry="12" fill="#f7f4ee"/><ellipse cx="100" cy="118" '
    'rx="26" ry="7" fill="{a}"/>',
    "frozenbox": '<rect x="44" y="62" width="112" height="94" rx="5" fill="{p}"/><path fill="{d}" d="M44 67q0-5 5-5h102q5 0 5 5v12H44z'
    '"/><ellipse cx="92" cy="120" rx="36" ry="24" fill="#f7f4ee"/><ellipse cx="92" cy="118" rx="25" ry="14" fill="{a}"/><path '
    'd="M138 90v22M128 95l20 12M148 95l-20 12" stroke="{l}" stroke-width="4" stroke-linecap="round"/>',
    "bag": '<path fill="{p}" d="M60 48l8 6 8-6 8 6 8-6 8 6 8-6 8 6 8-6 8 6 8-6q-6 26-4 54t6 56l-8-6-8 6-8-6-8 6-8-6-8 6-8-6-8 6-8-6'
    '-8 6q4-28 6-56t-4-54z"/><path fill="{l}" d="M65 82q35-12 70 0v36q-35-12-70 0z"/><circle cx="100" cy="98" r="14" '
    'fill="{a}"/><path fill="#fff" fill-opacity=".2" d="M70 60h8q-4 40 2 88l-10 4q4-46 0-92z"/>',
    "sack": '<path fill="{p}" d="M60 56q40-10 80 0 8 50 4 98-44 8-88 0-4-48 4-98z"/><path fill="{d}" d="M58 48h84v12H58z"/><rect '
    'x="70" y="80" width="60" height="50" rx="8" fill="{l}"/><path d="M80 112q20-34 40 0z" fill="{a}"/><path d="M80 120h40" '
    f'{_LINES}/>',
    "coffee": '<path fill="{p}" d="M66 60h68v92q0 6-6 6H72q-6 0-6-6z"/><path fill="{d}" d="M62 44h76v18H62z"/><path d="M70 44l6-6h48'
    'l6 6" fill="{d}"/><circle cx="100" cy="106" r="25" fill="{l}"/><ellipse cx="100" cy="106" rx="12" ry="17" fill="#5a3820" '
    'transform="rotate(28 100 106)"/><path d="M108 92q-10 12-16 28" stroke="{l}" stroke-width="3" fill="none"/>',
    "tea": '<path fill="{d}" d="M136 62l16 10v74l-16 10z"/><rect x="48" y="62" width="88" height="94" rx="3" fill="{p}"/><path '
    'fill="{l}" d="M68 84h48v50q-24 12-48 0z"/><path d="M82 122q2-32 30-30 0 28-30 30z" fill="{a}"/><path d="M82 122l18-18" '
    'stroke="{l}" stroke-width="3"/>',
    "carton": '<path fill="{d}" d="M66 66l16-24h42l14 24z"/><rect x="80" y="34" width="46" height="11" rx="2" fill="{p}"/><rect '
    'x="64" y="66" width="76" height="92" rx="3" fill="{p}"/><path fill="{l}" d="M64 104q19-14 38 0t38 0v44H64z"/><circle '
    'cx="102" cy="86" r="10" fill="{a}"/>',
    "milk": '<rect x="84" y="36" width="26" height="14" rx="3" fill="{p}"/><path fill="#fdfdfb" stroke="#d5dde3" stroke-width="2" '
    'd="M80 50h36q24 12 26 38v60q0 10-10 10H70q-10 0-10-10V84q2-24 20-34z"/><path fill="#dfe8ef" d="M122 76q10 8 10 24-10 '
    '0-10-24z"/><rect x="60" y="104" width="82" height="34" fill="{p}"/><path d="M76 126q12-18 24 0t24 0" stroke="#fff" '
    'stroke-width="5" fill="none" stroke-linecap="round"/>',
    "tub": '<path fill="{p}" d="M58 72h84l-10 78q-1 8-9 8H77q-8 0-9-8z"/><rect x="52" y="58" width="96" height="16" rx="6" '
    'fill="{d}"/><ellipse cx="100" cy="116" rx="28" ry="20" fill="{l}"/><circle cx="92" cy="114" r="9" fill="{a}"/><circle '
    'cx="109" cy="120" r="7" fill="{d}"/>',
    "cup": '<path fill="#fdfdfb" stroke="#dcd7cc" stroke-width="2" d="M64 68h72l-8 84q-1 6-7 6H79q-6 0-7-6z"/><path fill="{p}" '
    'd="M66 88h68l-5 46H71z"/><path fill="{a}" d="M58 62q42-12 84 0v8H58z"/><circle cx="100" cy="110" r="14" fill="{l}"/><path '
    'd="M92 112q8 8 16 0" stroke="{d}" stroke-width="5" fill="none" stroke-linecap="round"/>',
    "butter": '<path fill="{d}" d="M148 90l14 8v40l-14 8z"/><rect x="40" y="90" width="108" height="56" rx="4" fill="{p}"/><path '
    'fill="#f7dd86" d="M40 90l14-14h94l14 14v8l-14-8z"/><path fill="{l}" d="M56 102h76v32H56z"/><circle cx="94" cy="118" '
    'r="11" fill="{a}"/>',
    "icecream": '<path fill="#d59a4f" d="M72 98h56l-28 66z"/><path d="M80 104l30 30M120 104l-30 30M76 112l20 34M124 112l-20 34" '
    'stroke="#b57a33" stroke-width="3"/><circle cx="84" cy="86" r="24" fill="{a}"/><circle cx="118" cy="86" r="24" '
    'fill="#f7ead2"/><circle cx="101" cy="64" r="24" fill="{p}"/><path fill="#f7ead2" d="M64 92h74q-4 16-16 12-8 8-20 0-10 8-20'
    ' 0-14 2-18-12z"/>',
    "popsicle": '<rect x="92" y="130" width="16" height="36" rx="7" fill="#dcb982"/><path fill="{p}" d="M66 76q0-36 34-36t34 36v56q0 '
    '6-6 6H72q-6 0-6-6z"/><path fill="{a}" d="M66 98h68v34q0 6-6 6H72q-6 0-6-6z"/><path d="M84 62v60M116 62v60" stroke="#fff" '
    'stroke-opacity=".35" stroke-width="7" stroke-linecap="round"/>',
    "candy": '<path fill="{p}" d="M42 78l30 16v20l-30 16q8-26 0-52zM158 78l-30 16v20l30 16q-8-26 0-52z"/><circle cx="100" cy="104" '
    'r="36" fill="{a}"/><path d="M74 82q26 14 20 56M100 68q24 20 14 68M124 78q10 20 4 48" stroke="#fff" stroke-opacity=".6" '
    'stroke-width="7" fill="none" stroke-linecap="round"/>',
    "bar": '<path fill="{p}" d="M36 84l10-6v60l-10-6zM164 84l-10-6v60l10-6z"/><rect x="44" y="76" width="112" height="64" rx="4" '
    'fill="{p}"/><path fill="{l}" d="M62 90h76v36H62z"/><path d="M72 108h30" stroke="{d}" stroke-width="7" '
    'stroke-linecap="round"/><circle cx="122" cy="108" r="10" fill="{a}"/>',
    "popcorn": '<g fill="#f8e9bd"><circle cx="74" cy="74" r="16"/><circle cx="100" cy="62" r="18"/><circle cx="126" cy="74" r="16"/>'
    '<circle cx="88" cy="84" r="14"/><circle cx="114" cy="84" r="14"/></g><g fill="#e9c768"><circle cx="80" cy="78" r="4"/>'
    '<circle cx="104" cy="66" r="4"/><circle cx="120" cy="84" r="4"/></g><path fill="{p}" d="M62 84h76l-10 74H72z"/><path '
    'fill="#fbf7ef" d="M78 84h12l2 74H82zM110 84h12l-4 74h-10z"/>',
    "cracker": '<rect x="52" y="72" width="58" height="58" rx="8" fill="#dba55a" transform="rotate(-8 81 101)"/><rect x="92" y="96" '
    'width="58" height="58" rx="8" fill="#e7bb78" transform="rotate(8 121 125)"/><g fill="#a97530"><circle cx="68" cy="90" '
    'r="3"/><circle cx="90" cy="88" r="3"/><circle cx="80" cy="104" r="3"/><circle cx="108" cy="116" r="3"/><circle cx="132" '
    'cy="120" r="3"/><circle cx="120" cy="134" r="3"/></g>',
    "pasta": '<path fill="{p}" d="M64 46h72v112H64z"/><path fill="#f3dca4" d="M74 66h52v60H74z"/><path d="M82 66v60M92 66v60M102 '
    '66v60M112 66v60" stroke="#d7b25c" stroke-width="4"/><path fill="{d}" d="M60 42h80v14H60z"/><rect x="76" y="134" '
    'width="48" height="12" rx="6" fill="{a}"/>',
    "shaker": '<rect x="76" y="40" width="48" height="24" rx="6" fill="{d}"/><g fill="{l}"><circle cx="90" cy="50" r="2.5"/><circle '
    'cx="100" cy="50" r="2.5"/><circle cx="110" cy="50" r="2.5"/></g><rect x="72" y="64" width="56" height="94" rx="8" '
    'fill="#e9e2d4"/><path fill="{a}" d="M72 112h56v38q0 8-8 8H80q-8 0-8-8z"/><rect x="72" y="82" width="56" height="36" '
    'fill="{p}"/><path d="M84 100h32" stroke="#fff" stroke-width="6" stroke-linecap="round"/>',
    "packet": '<path fill="{p}" d="M58 50h84v106H58z"/><path fill="{d}" d="M58 50h84v13H58zM58 145h84v11H58z"/><circle cx="100" '
    'cy="104" r="27" fill="{l}"/><path d="M84 104q16-26 32 0-16 26-32 0z" fill="{a}"/>',
    "wine": '<path fill="#2f4a35" d="M91 36h18v38q16 8 16 26v52q0 6-6 6H81q-6 0-6-6v-52q0-18 16-26z"/><rect x="89" y="32" width="22" '
    'height="24" rx="3" fill="{p}"/><rect x="75" y="104" width="50" height="36" fill="#f6efdf"/><path d="M84 116h32M84 127h22" '
    'stroke="{p}" stroke-width="5" stroke-linecap="round"/><path fill="#fff" fill-opacity=".2" d="M81 100q2-12 9-18v18z"/>',
    "beer": '<path fill="#7a4a22" d="M91 38h18v32q15 10 15 30v52q0 6-6 6H82q-6 0-6-6v-52q0-20 15-30z"/><rect x="89" y="32" '
    'width="22" height="12" rx="3" fill="{a}"/><rect x="76" y="100" width="48" height="38" fill="{l}"/><path fill="{p}" '
    'd="M100 104l5 10 11 1-8 8 2 11-10-5-10 5 2-11-8-8 11-1z"/>',
    "juice": '<path fill="#fff" fill-opacity=".8" d="M66 60h68l-8 92q-1 6-7 6H81q-6 0-7-6z"/><path fill="{a}" d="M69 84h62l-6 68q-1 '
    '6-7 6H81q-6 0-7-6z"/><path d="M112 76l14-42h14" stroke="{p}" stroke-width="6" fill="none" stroke-linecap="round"/><circle '
    'cx="74" cy="62" r="19" fill="#f5ad45"/><circle cx="74" cy="62" r="13" fill="#fbe3b4"/><path d="M74 50v24M62 62h24" '
    'stroke="#f5ad45" stroke-width="3"/>',
    "babybottle": '<path fill="#e9b98a" d="M90 44q10-16 20 0v12H90z"/><rect x="74" y="56" width="52" height="16" rx="5" fill="{p}"/>'
    '<path fill="#eef4f8" stroke="#c9d9e4" stroke-width="2" d="M72 74h56v74q0 10-10 10H82q-10 0-10-10z"/><path fill="#fdfaf2" '
    'd="M74 104h52v44q0 8-8 8H82q-8 0-8-8z"/><path d="M112 92h14M112 108h14M112 124h14M112 140h14" stroke="{a}" '
    'stroke-width="4"/>',
    "diaper": '<path fill="#fff" stroke="#cfdbe6" stroke-width="3" d="M44 76h112v22q-34 4-38 46-18 10-36 0-4-42-38-46z"/><path '
    'fill="{a}" d="M44 80h18v14H44zM138 80h18v14h-18z"/><path d="M92 112q8-12 16 0-8 14-16 0z" fill="{p}"/>',
}
