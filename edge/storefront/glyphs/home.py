"""Goods of the house: SVG shapes in a field of 200 by 200; the braces as in `packed`."""

GLYPHS = {
    "roll": '<path fill="#fbf8f2" stroke="#ddd6c9" stroke-width="2" d="M64 60h76v98H64z"/><ellipse cx="102" cy="60" rx="38" ry="13" '
    'fill="#f3ede1" stroke="#ddd6c9" stroke-width="2"/><ellipse cx="102" cy="60" rx="13" ry="5" fill="#b99b74"/><path d="M64 '
    '92h76M64 124h76" stroke="{a}" stroke-width="3" stroke-dasharray="5 5"/>',
    "tissue": '<path fill="#fdfbf6" stroke="#ddd6c9" stroke-width="2" d="M76 92q0-30 14-44 10 14 20 4 10 16 14 40z"/><rect x="46" '
    'y="88" width="108" height="66" rx="8" fill="{p}"/><ellipse cx="100" cy="92" rx="30" ry="6" fill="{d}"/><path d="M62 124q12'
    '-14 24 0t24 0 24 0" stroke="{l}" stroke-width="6" fill="none" stroke-linecap="round"/>',
    "bulb": '<path fill="#f7d774" d="M100 44a42 42 0 0 1 26 74q-6 6-6 14H80q0-8-6-14a42 42 0 0 1 26-74z"/><path d="M88 98l6 32M112 98'
    'l-6 32M86 98q14 12 28 0" stroke="#c79b2b" stroke-width="4" fill="none"/><path fill="#8d979d" d="M82 134h36v14q0 12-18 12t-'
    '18-12z"/>',
    "battery": '<rect x="62" y="62" width="32" height="96" rx="5" fill="{p}"/><rect x="71" y="52" width="14" height="12" rx="3" '
    'fill="#a9b0b5"/><rect x="62" y="62" width="32" height="30" fill="#c98a3c"/><rect x="106" y="62" width="32" height="96" '
    'rx="5" fill="{p}"/><rect x="115" y="52" width="14" height="12" rx="3" fill="#a9b0b5"/><rect x="106" y="62" width="32" '
    'height="30" fill="#c98a3c"/><path d="M78 108v18M69 117h18M122 108v18M113 117h18" stroke="#fff" stroke-width="4"/>',
    "candle": '<path fill="#f2a93b" d="M100 38q14 18 0 32-14-14 0-32z"/><path d="M100 66v18" stroke="#4a3b2a" stroke-width="4"/><path '
    'fill="{p}" d="M62 82h76v66q0 10-10 10H72q-10 0-10-10z"/><ellipse cx="100" cy="83" rx="38" ry="8" fill="{l}"/><rect x="76" '
    'y="108" width="48" height="28" rx="4" fill="#fff" fill-opacity=".85"/><circle cx="100" cy="122" r="7" fill="{a}"/>',
    "broom": '<path d="M126 36L92 108" stroke="#a8743f" stroke-width="8" stroke-linecap="round"/><path fill="{p}" d="M74 98l36 18-6 '
    '12-38-18z"/><path fill="#e3bd6f" d="M64 112l40 20-10 30q-28 0-52-24z"/><path d="M68 120l-12 20M82 126l-10 26M96 132l-8 26" '
    'stroke="#b98d3b" stroke-width="3"/>',
    "hammer": '<path d="M84 96l44 58" stroke="#a8743f" stroke-width="13" stroke-linecap="round"/><path fill="#6c777d" d="M52 84l34-34q'
    '14-4 30 6l-10 8 6 10-30 28-8-8-10 4z"/><path fill="#8d989e" d="M52 84l12-12 14 14-12 12z"/>',
    "book": '<path fill="{d}" d="M56 52q0-10 10-10h76v104H66q-10 0-10 8z"/><path fill="{p}" d="M64 44h80v100H64z"/><path '
    'fill="#f7f2e7" d="M60 150q0-6 8-6h74v12H68q-8 0-8-6z"/><rect x="78" y="62" width="50" height="30" rx="3" fill="{l}"/><path '
    'd="M86 72h34M86 82h22" stroke="{d}" stroke-width="5" stroke-linecap="round"/><circle cx="104" cy="118" r="10" fill="{a}"/>',
    "magazine": '<path fill="#f7f2e7" d="M62 44h84v114H62z"/><path fill="{p}" d="M56 42h84v114H56z"/><path fill="{l}" d="M64 50h68v18H64z'
    '"/><path d="M72 59h46" stroke="{d}" stroke-width="7" stroke-linecap="round"/><circle cx="98" cy="104" r="24" fill="{a}"/>'
    '<path d="M68 142h44" stroke="{l}" stroke-width="5" stroke-linecap="round"/>',
    "pencil": '<path fill="#f0bf3f" d="M60 126l66-66 20 20-66 66z"/><path fill="#d79f22" d="M68 134l66-66 12 12-66 66z"/><path '
    'fill="#f1d9b0" d="M60 126l20 20-28 8z"/><path fill="#2b2f33" d="M55 143l8 8-11 3z"/><path fill="{p}" d="M126 60l9-9q6-6 12 0'
    'l8 8q6 6 0 12l-9 9z"/>',
    "card": '<rect x="44" y="66" width="112" height="84" rx="5" fill="#fdfaf3"/><path d="M44 72l56 42 56-42" fill="none" '
    'stroke="#d9cfba" stroke-width="5"/><path fill="{p}" d="M100 96q-8-14-20-8-10 8-2 20 8 10 22 20 14-10 22-20 8-12-2-20-12-6-20 '
    '8z"/>',
    "gift": '<rect x="50" y="92" width="100" height="66" rx="4" fill="{p}"/><rect x="44" y="76" width="112" height="22" rx="4" '
    'fill="{d}"/><rect x="90" y="76" width="20" height="82" fill="{a}"/><path d="M100 76q-34 2-34-18 4-16 20-8 10 8 14 26 4-18 14-'
    '26 16-8 20 8 0 20-34 18z" fill="none" stroke="{a}" stroke-width="8"/>',
    "toy": '<rect x="50" y="100" width="46" height="54" rx="5" fill="{p}"/><rect x="104" y="100" width="46" height="54" rx="5" '
    'fill="{a}"/><path fill="#f0bf3f" d="M100 46l28 48H72z"/><circle cx="73" cy="127" r="12" fill="#fff" fill-opacity=".7"/><path '
    'd="M118 118h18v18h-18z" fill="#fff" fill-opacity=".7"/>',
    "sock": '<path fill="{p}" d="M76 44h48v62q2 12 22 22 14 10 4 24-8 8-26 4-30-8-44-22-6-8-4-26z"/><path fill="{l}" d="M76 44h48v16H76z'
    '"/><path fill="{a}" d="M146 128q14 10 4 24-6 6-16 5-2-20 12-29z"/><path d="M77 76h46M77 90h46" stroke="{l}" '
    'stroke-width="6"/>',
    "pan": '<path d="M132 96l34-34" stroke="#3a3f43" stroke-width="13" stroke-linecap="round"/><circle cx="92" cy="112" r="48" '
    'fill="#4a5258"/><circle cx="92" cy="112" r="38" fill="#5d676d"/><path fill="#fdfaf3" d="M72 106q4-18 24-14 18 0 20 18 0 '
    '20-20 20-24 0-24-24z"/><circle cx="95" cy="111" r="10" fill="#f2b933"/>',
    "kitchen": '<path d="M78 44v38q-14 0-14-14V44M92 44v24q0 14-14 14v74" stroke="#7d878d" stroke-width="7" fill="none" '
    'stroke-linecap="round"/><path fill="{p}" d="M118 44q22 10 22 44 0 18-14 20h-8z"/><path d="M122 104v52" stroke="#7d878d" '
    'stroke-width="8" stroke-linecap="round"/>',
    "plate": '<ellipse cx="100" cy="112" rx="62" ry="44" fill="#fdfbf6" stroke="#d9d1c2" stroke-width="3"/><ellipse cx="100" cy="110" '
    'rx="42" ry="28" fill="{l}"/><path d="M70 110q30 26 60 0" stroke="{p}" stroke-width="6" fill="none" stroke-linecap="round"/>',
    "storage": '<path fill="{p}" d="M50 78h100l-8 74q-1 6-7 6H65q-6 0-7-6z"/><rect x="42" y="62" width="116" height="20" rx="6" '
    'fill="{d}"/><rect x="82" y="100" width="36" height="14" rx="7" fill="{l}"/><path fill="#fff" fill-opacity=".18" d="M60 '
    '90h14l4 60H66z"/>',
    "towel": '<rect x="56" y="120" width="92" height="32" rx="14" fill="{p}"/><rect x="60" y="92" width="84" height="30" rx="14" '
    'fill="{a}"/><rect x="54" y="64" width="92" height="30" rx="14" fill="{l}"/><path d="M128 66v26M132 94v26M128 122v28" '
    'stroke="#fff" stroke-opacity=".55" stroke-width="7"/>',
    "shirt": '<path fill="{p}" d="M72 50q28 20 56 0l34 24-16 26-14-8v66H68V92l-14 8-16-26z"/><path d="M72 50q28 30 56 0" fill="none" '
    'stroke="{d}" stroke-width="6"/><circle cx="100" cy="112" r="14" fill="{l}"/>',
    "car": '<path fill="{p}" d="M42 118l14-6 14-28q4-8 14-8h36q10 0 16 8l16 26 12 6v26H42z"/><path fill="#d9ecf3" d="M80 88h18v22H68zM'
    '106 88h16l14 22h-30z"/><circle cx="70" cy="144" r="15" fill="#2b2f33"/><circle cx="132" cy="144" r="15" fill="#2b2f33"/>'
    '<circle cx="70" cy="144" r="6" fill="#aeb6bb"/><circle cx="132" cy="144" r="6" fill="#aeb6bb"/>',
    "fire": '<path fill="#e07b29" d="M100 42q34 34 30 62 18 54-30 54t-34-46q2-20 14-30 4 16 10 18 0-36 10-58z"/><path fill="#f6c445" '
    'd="M102 100q18 22 14 40-2 16-16 16t-18-16q0-16 20-40z"/><path d="M54 160l92-4" stroke="#6b4a2f" stroke-width="11" '
    'stroke-linecap="round"/>',
    "disc": '<circle cx="100" cy="104" r="54" fill="#3a4249"/><circle cx="100" cy="104" r="40" fill="none" stroke="#566069" '
    'stroke-width="3"/><circle cx="100" cy="104" r="22" fill="{p}"/><circle cx="100" cy="104" r="6" fill="#f6f1e6"/><path d="M66 '
    '78q10-14 26-18" stroke="#fff" stroke-opacity=".4" stroke-width="5" fill="none" stroke-linecap="round"/>',
    "camera": '<path fill="#4a5258" d="M46 76h28l8-14h36l8 14h28v76H46z"/><circle cx="100" cy="114" r="28" fill="#d5dbdf"/><circle '
    'cx="100" cy="114" r="20" fill="#2c3a44"/><circle cx="94" cy="108" r="6" fill="#7fa6bd"/><rect x="126" y="84" width="18" '
    'height="9" rx="3" fill="{a}"/>',
    "appliance": '<path fill="{p}" d="M60 52h80v26H88v56h52v24H60z"/><rect x="94" y="94" width="38" height="40" rx="6" fill="#dbe7ea"/>'
    '<path fill="#6b4a2f" d="M94 112h38v16q0 6-6 6h-26q-6 0-6-6z"/><path d="M132 102h10v18h-10" stroke="#dbe7ea" '
    'stroke-width="6" fill="none"/><circle cx="74" cy="70" r="6" fill="{l}"/>',
    "flower": '<path d="M100 160V96" stroke="#4f8a3a" stroke-width="7" stroke-linecap="round"/><path fill="#5d9b45" d="M100 140q-30-2-36-'
    '26 28 0 36 26zM100 128q30-4 34-26-26 2-34 26z"/><g fill="{p}"><circle cx="100" cy="50" r="16"/><circle cx="124" cy="68" '
    'r="16"/><circle cx="115" cy="94" r="16"/><circle cx="85" cy="94" r="16"/><circle cx="76" cy="68" r="16"/></g><circle '
    'cx="100" cy="74" r="15" fill="#f2b933"/>',
    "rose": '<path d="M100 160V100" stroke="#4f8a3a" stroke-width="7" stroke-linecap="round"/><path fill="#5d9b45" d="M100 140q-30-2-36-26 '
    '28 0 36 26zM100 130q28-4 34-24-26 0-34 24z"/><path fill="{p}" d="M62 66q10-6 18 0 20-20 40 0 8-6 18 0-2 40-38 44-36-4-38-44z"'
    '/><path d="M82 72q18-16 36 0-2 16-18 16t-18-16z" fill="{d}" fill-opacity=".45"/><path d="M90 74q10-8 20 0" stroke="{l}" '
    'stroke-width="4" fill="none"/>',
    "plant": '<path fill="#5d9b45" d="M98 106q-44-4-46-42 40 0 46 42zM102 106q44-6 44-46-38 4-44 46zM100 104q-16-34 0-66 16 32 0 66z"/>'
    '<path fill="{p}" d="M66 106h68l-9 46q-1 6-7 6H82q-6 0-7-6z"/><rect x="60" y="100" width="80" height="15" rx="5" '
    'fill="{d}"/>',
    "vase": '<path d="M100 84V48M90 84L76 54M110 84l16-28" stroke="#4f8a3a" stroke-width="5" stroke-linecap="round"/><circle cx="100" '
    'cy="46" r="11" fill="{a}"/><circle cx="74" cy="54" r="10" fill="#f2b933"/><circle cx="128" cy="56" r="10" fill="#f2b933"/>'
    '<path fill="{p}" d="M82 82h36q-4 16 12 32 12 24-8 44H78q-20-20-8-44 16-16 12-32z"/><path fill="#fff" fill-opacity=".25" '
    'd="M80 122q2-8 8-14v40q-10-10-8-26z"/>',
    "balloon": '<path d="M100 118q-8 20 2 44M130 108q-10 26-28 52M72 110q10 26 28 50" stroke="#9a9488" stroke-width="3" fill="none"/>'
    '<ellipse cx="74" cy="78" rx="25" ry="31" fill="{p}"/><ellipse cx="128" cy="78" rx="25" ry="31" fill="#f2b933"/><ellipse '
    'cx="100" cy="84" rx="27" ry="34" fill="{a}"/><path d="M86 70q4-10 12-12" stroke="#fff" stroke-opacity=".6" '
    'stroke-width="5" fill="none" stroke-linecap="round"/>',
    "paw": '<g fill="{p}"><ellipse cx="62" cy="92" rx="14" ry="19"/><ellipse cx="88" cy="72" rx="14" ry="20"/><ellipse cx="116" cy="72" '
    'rx="14" ry="20"/><ellipse cx="140" cy="92" rx="14" ry="19"/><path d="M100 98q34 12 36 38 0 20-20 18-16-4-32 0-20 2-20-18 2-26 '
    '36-38z"/></g>',
    "bone": '<path fill="#f3e6cd" stroke="#cdb588" stroke-width="3" d="M62 90q-16-14 0-26 16-6 18 14l42 36q16-10 26 4 4 14-12 14 6 16-8 '
    '20-16 2-14-16l-44-36q-16 6-22-4-4-8 14-6z"/>',
    "catfood": '<path fill="{p}" d="M46 94h108l8 46q2 18-12 18H50q-14 0-12-18z"/><path fill="{d}" d="M46 94q54-30 108 0-54 18-108 0z"/><g '
    'fill="#c98a3c"><circle cx="82" cy="88" r="7"/><circle cx="100" cy="84" r="7"/><circle cx="118" cy="88" r="7"/><circle '
    'cx="92" cy="94" r="6"/><circle cx="110" cy="95" r="6"/></g><path fill="{l}" d="M74 128q16-16 36 0l12-9v20l-12-9q-20 14-36-2z"/>',
    "tree": '<path fill="#6b4a2f" d="M92 142h16v20H92z"/><path fill="#3f7a45" d="M100 40l28 38h-16l26 34h-18l28 34H52l28-34H62l26-34H72z"/>'
    '<g fill="{a}"><circle cx="90" cy="86" r="5"/><circle cx="114" cy="104" r="5"/><circle cx="84" cy="126" r="5"/><circle '
    'cx="122" cy="134" r="5"/></g><path fill="#f2b933" d="M100 28l4 9 10 1-7 7 2 10-9-5-9 5 2-10-7-7 10-1z"/>',
    "easter": '<path fill="{p}" d="M100 44q40 24 40 70 0 44-40 44t-40-44q0-46 40-70z"/><path d="M66 92l14 10 13-10 14 10 13-10 14 10" '
    'stroke="#fff" stroke-width="7" fill="none" stroke-linejoin="round"/><g fill="{a}"><circle cx="78" cy="126" r="6"/><circle '
    'cx="100" cy="132" r="6"/><circle cx="122" cy="126" r="6"/></g>',
    "heart": '<path fill="#c8374b" d="M100 74q-14-28-42-18-24 16-8 46 16 26 50 54 34-28 50-54 16-30-8-46-28-10-42 18z"/><path d="M62 '
    '76q4-10 14-10" stroke="#fff" stroke-opacity=".55" stroke-width="7" fill="none" stroke-linecap="round"/>',
    "sun": '<circle cx="100" cy="100" r="30" fill="#f2b933"/><path d="M100 44v14M100 142v14M44 100h14M142 100h14M60 60l10 10M130 130l10 '
    '10M140 60l-10 10M70 130l-10 10" stroke="#e39a24" stroke-width="9" stroke-linecap="round"/>',
    "snow": '<path d="M100 44v112M52 72l96 56M148 72l-96 56" stroke="{a}" stroke-width="8" stroke-linecap="round"/><path d="M86 54l14 12 '
    '14-12M86 146l14-12 14 12M56 92l4-18-16-6M144 92l-4-18 16-6M56 108l4 18-16 6M144 108l-4 18 16 6" stroke="{a}" '
    'stroke-width="5" fill="none" stroke-linecap="round"/>',
    "brush": '<path d="M60 140l58-58" stroke="{p}" stroke-width="13" stroke-linecap="round"/><path d="M116 84l28-28" stroke="{d}" '
    'stroke-width="17" stroke-linecap="round"/><path d="M112 74l-14-14M122 64l-14-14M132 54l-14-14" stroke="#e9f1f5" '
    'stroke-width="8" stroke-linecap="round"/>',
    "razor": '<path d="M100 92v64" stroke="{p}" stroke-width="15" stroke-linecap="round"/><rect x="58" y="54" width="84" height="34" '
    'rx="9" fill="{d}"/><path d="M66 66h68M66 77h68" stroke="#dbe4e8" stroke-width="5"/><path d="M100 108v36" stroke="{l}" '
    'stroke-width="4" stroke-linecap="round"/>',
    "lipstick": '<path fill="{p}" d="M84 76V52q14-16 32-6v30z"/><rect x="80" y="74" width="40" height="26" fill="#d9b25a"/><rect x="74" '
    'y="98" width="52" height="60" rx="5" fill="#33393e"/><path fill="#fff" fill-opacity=".2" d="M82 104h8v48h-8z"/>',
    "perfume": '<rect x="88" y="40" width="24" height="20" rx="4" fill="{d}"/><rect x="92" y="58" width="16" height="14" fill="#d9b25a"/>'
    '<rect x="60" y="70" width="80" height="88" rx="14" fill="{l}"/><path fill="{p}" d="M66 106h68v38q0 8-8 8H74q-8 0-8-8z"/><path '
    'd="M100 112q14 14 0 28-14-14 0-28z" fill="#fff" fill-opacity=".7"/>',
    "comb": '<path fill="{p}" d="M48 70q0-10 10-10h84q10 0 10 10v22H48z"/><path d="M58 92v50M70 92v50M82 92v50M94 92v50M106 92v50M118 92v50'
    'M130 92v50M142 92v50" stroke="{p}" stroke-width="7" stroke-linecap="round"/><path d="M62 76h76" stroke="{l}" '
    'stroke-width="5" stroke-linecap="round"/>',
    "glasses": '<circle cx="70" cy="108" r="27" fill="#e7f0f4" stroke="{p}" stroke-width="8"/><circle cx="130" cy="108" r="27" '
    'fill="#e7f0f4" stroke="{p}" stroke-width="8"/><path d="M97 104q3-5 6 0M44 100l-8-12M156 100l8-12" stroke="{p}" '
    'stroke-width="8" fill="none" stroke-linecap="round"/>',
    "plaster": '<rect x="36" y="84" width="128" height="40" rx="20" fill="#e3b48b" transform="rotate(-28 100 104)"/><rect x="78" y="84" '
    'width="44" height="40" fill="#f1d3b5" transform="rotate(-28 100 104)"/><g fill="#c08c5f"><circle cx="90" cy="102" r="3"/>'
    '<circle cx="106" cy="94" r="3"/><circle cx="96" cy="114" r="3"/><circle cx="112" cy="106" r="3"/></g>',
    "soap": '<rect x="44" y="94" width="112" height="58" rx="26" fill="{p}"/><path fill="#fff" fill-opacity=".3" d="M60 108q40-14 80 0-2 '
    '8-6 10-36-10-70 2z"/><g fill="#fff" fill-opacity=".85"><circle cx="72" cy="74" r="13"/><circle cx="98" cy="62" r="9"/><circle '
    'cx="120" cy="78" r="15"/></g>',
    "bag2": '<path d="M80 74q0-30 20-30t20 30" stroke="{d}" stroke-width="7" fill="none"/><path fill="{p}" d="M58 70h84l8 88H50z"/><circle '
    'cx="100" cy="116" r="20" fill="{l}"/><path d="M88 116l8 9 16-18" stroke="{a}" stroke-width="7" fill="none" '
    'stroke-linecap="round"/>',
}
