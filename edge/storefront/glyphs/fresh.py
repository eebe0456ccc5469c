"""Fresh food: SVG shapes in a field of 200 by 200, in their own colours."""

_STEM = 'stroke="#6b4a2f" stroke-width="6" fill="none" stroke-linecap="round"'
_SHINE = 'stroke="#fff" stroke-opacity=".5" stroke-width="6" fill="none" stroke-linecap="round"'

GLYPHS = {
    "apple": '<path fill="#c8443a" d="M100 76q-14-12-30-6-20 9-18 40 3 44 30 50 10 2 18-3 8 5 18 3 27-6 30-50 2-31-18-40'
    f'-16-6-30 6z"/><path d="M100 76q0-18 10-28" {_STEM}/><path fill="#5f9c4a" d="M106 60q10-20 34-18-4 22-34 18z"/>'
    f'<path d="M68 88q-6 10-4 26" {_SHINE}/>',
    "pear": '<path fill="#b7bf4a" d="M100 54q18 0 20 26 2 14 12 24 14 14 10 32-6 26-42 26t-42-26q-4-18 10-32 10-10 12-24 2-26 '
    f'20-26z"/><path d="M100 56q0-14 8-22" {_STEM}/><path fill="#5f9c4a" d="M106 44q12-14 30-8-8 18-30 8z"/>'
    f'<path d="M72 122q-4 10 2 20" {_SHINE}/>',
    "citrus": '<circle cx="88" cy="104" r="50" fill="#ef9a2c"/><circle cx="118" cy="118" r="42" fill="#fbe3b4"/>'
    '<circle cx="118" cy="118" r="35" fill="#f5ad45"/><path d="M118 83v70M83 118h70M93 93l50 50M143 93l-50 50" '
    'stroke="#fbe3b4" stroke-width="4"/><path fill="#5f9c4a" d="M86 54q8-18 32-16-4 20-32 16z"/>',
    "banana": '<path fill="#f0c63b" d="M54 70q4 52 50 66 30 8 46-6 4 14-12 22-34 16-68-6-34-24-28-70z"/>'
    '<path fill="#d9a824" d="M62 96q12 36 50 46 22 6 34-4-10 22-46 12-32-10-38-54z"/>'
    '<path d="M48 76l2-16" stroke="#6b4a2f" stroke-width="9" stroke-linecap="round"/>'
    '<path d="M148 132l6 2" stroke="#6b4a2f" stroke-width="8" stroke-linecap="round"/>',
    "berries": '<g fill="#b8324a"><path d="M66 92q24-10 48 0 2 34-24 56-26-22-24-56z"/></g><g fill="#f7d9b0"><circle cx="80" '
    'cy="108" r="3"/><circle cx="98" cy="108" r="3"/><circle cx="90" cy="124" r="3"/></g><path fill="#5f9c4a" d="M90 76l8 '
    '10 16-2-10 12H76L66 84l16 2z"/><circle cx="128" cy="132" r="24" fill="#4a5a9c"/><path d="M121 122l14 4-10 8z" '
    'fill="#2e3a6e"/>',
    "grapes": '<g fill="#7b4a8c"><circle cx="76" cy="88" r="16"/><circle cx="104" cy="86" r="16"/><circle cx="130" cy="90" '
    'r="16"/><circle cx="88" cy="112" r="16"/><circle cx="116" cy="112" r="16"/><circle cx="102" cy="136" r="16"/></g>'
    f'<path d="M104 74q0-18 8-30" {_STEM}/><path fill="#5f9c4a" d="M110 62q14-22 40-10-10 24-40 10z"/>'
    '<g fill="#fff" fill-opacity=".35"><circle cx="71" cy="82" r="4"/><circle cx="83" cy="106" r="4"/><circle cx="97" '
    'cy="130" r="4"/><circle cx="99" cy="80" r="4"/></g>',
    "melon": '<path fill="#3f7f45" d="M40 84h120a60 66 0 0 1-120 0z"/><path fill="#f4ead2" d="M48 84h104a52 58 0 0 1-104 0z"/>'
    '<path fill="#df5a55" d="M56 84h88a44 50 0 0 1-88 0z"/><g fill="#3a2320"><ellipse cx="80" cy="102" rx="3" ry="5"/>'
    '<ellipse cx="100" cy="112" rx="3" ry="5"/><ellipse cx="120" cy="102" rx="3" ry="5"/></g>',
    "peach": '<circle cx="100" cy="108" r="50" fill="#f0995f"/><path fill="#e5763f" d="M100 58a50 50 0 0 1 0 100q-26-46 0-100z"/>'
    f'<path d="M100 60q0-12 6-20" {_STEM}/><path fill="#5f9c4a" d="M104 54q14-22 42-14-12 26-42 14z"/>'
    f'<path d="M64 96q-4 12 2 26" {_SHINE}/>',
    "carrot": '<path fill="#e9812f" d="M70 76q10-14 28-10 20 6 22 24l-64 66q-8 4-8-4z"/><path d="M72 100l14 12M66 122l12 10M92 '
    '78l14 12" stroke="#b85c17" stroke-width="4" stroke-linecap="round"/><path fill="#5f9c4a" d="M104 76q-2-30 14-40 8 22-2 '
    '40zM112 82q10-28 34-28-6 26-30 36zM108 80q4-34 30-44 4 28-22 48z"/>',
    "tomato": '<path fill="#d2463c" d="M100 78q28-16 46 6 16 24 0 52-18 26-46 26t-46-26q-16-28 0-52 18-22 46-6z"/>'
    f'<path fill="#4f8a3a" d="M100 62l8 14 20-4-14 14 8 14-22-8-22 8 8-14-14-14 20 4z"/><path d="M60 100q-4 12 2 26" {_SHINE}/>',
    "leaf": '<path fill="#5d9b45" d="M100 160q-50-6-52-52 4-6 12-4-8-22 10-34 8-2 12 4 2-24 22-28 18 4 20 28 6-6 14-2 16 12 8 34 '
    '8-2 10 4-4 46-56 50z"/><path fill="#86bf63" d="M100 156q-28-10-28-44 8-30 28-50 22 20 30 50 0 34-30 44z"/><path '
    'd="M100 74v80M100 100l-18-10M100 100l18-10M100 126l-18-12M100 126l18-12" stroke="#e4f0d4" stroke-width="4" fill="none" '
    'stroke-linecap="round"/>',
    "broccoli": '<path fill="#8fb86a" d="M88 108h26l-4 48q-10 6-18 0z"/><g fill="#4c8a3d"><circle cx="74" cy="96" r="24"/>'
    '<circle cx="126" cy="96" r="24"/><circle cx="100" cy="76" r="28"/><circle cx="100" cy="104" r="22"/></g><g '
    'fill="#6aa552"><circle cx="92" cy="70" r="7"/><circle cx="116" cy="82" r="6"/><circle cx="72" cy="92" r="6"/></g>',
    "potato": '<path fill="#b98a55" d="M62 92q20-30 58-22 34 10 32 46-4 40-48 40-58-2-42-64z"/><g fill="#8e6538"><ellipse cx="86" '
    'cy="100" rx="5" ry="3"/><ellipse cx="118" cy="92" rx="4" ry="3"/><ellipse cx="106" cy="128" rx="5" ry="3"/><ellipse '
    f'cx="132" cy="120" rx="4" ry="3"/></g><path d="M72 106q-2 12 2 22" {_SHINE}/>',
    "onion": '<path fill="#a9506a" d="M100 58q8 18 30 30 24 18 14 46-12 26-44 26t-44-26q-10-28 14-46 22-12 30-30z"/><path '
    'd="M100 72q-30 36-14 86M100 72q30 36 14 86" stroke="#d99aac" stroke-width="4" fill="none"/><path d="M100 62V40" '
    'stroke="#c9b48a" stroke-width="7" stroke-linecap="round"/>',
    "mushroom": '<path fill="#efe4d0" d="M84 104h32l6 46q-22 14-44 0z"/><path fill="#b0794f" d="M44 106q2-50 56-52 54 2 56 52-56 '
    '16-112 0z"/><g fill="#e6cdb0"><circle cx="80" cy="80" r="7"/><circle cx="112" cy="74" r="8"/><circle cx="128" cy="94" '
    'r="6"/></g>',
    "pepper": '<path fill="#d9a32a" d="M100 72q14-12 30-2 20 14 10 50-10 38-30 40-10 0-10-4 0 4-10 4-20-2-30-40-10-36 10-50 16-10 '
    f'30 2z"/><path d="M100 76q-8 40 0 78M80 72q-8 40 6 84" stroke="#b9821a" stroke-width="4" fill="none"/><path d="M100 '
    f'74q-2-18 10-30" stroke="#4f8a3a" stroke-width="10" fill="none" stroke-linecap="round"/><path d="M128 90q4 12 0 26" {_SHINE}/>',
    "corn": '<path fill="#f0c63b" d="M100 44q26 10 24 56-2 44-24 56-22-12-24-56-2-46 24-56z"/><path d="M78 80h44M76 98h48M78 '
    '116h44M90 52v96M110 52v96" stroke="#d19e1d" stroke-width="3"/><path fill="#5d9b45" d="M100 160q-40-10-36-68 24 14 36 '
    '68zM100 160q40-10 36-68-24 14-36 68z"/>',
    "pumpkin": '<g fill="#e07b29"><ellipse cx="70" cy="112" rx="26" ry="42"/><ellipse cx="130" cy="112" rx="26" ry="42"/></g>'
    '<ellipse cx="100" cy="112" rx="32" ry="46" fill="#ef9440"/><path d="M100 66q-2-18 12-26" stroke="#5d7a35" '
    'stroke-width="11" fill="none" stroke-linecap="round"/>',
    "herbs": '<path d="M100 160V74M100 132l-26-18M100 132l26-18M100 104l-22-18M100 104l22-18" stroke="#3f7a35" stroke-width="5" '
    'fill="none" stroke-linecap="round"/><g fill="#63a64d"><ellipse cx="68" cy="108" rx="16" ry="9" transform="rotate(30 68 '
    '108)"/><ellipse cx="132" cy="108" rx="16" ry="9" transform="rotate(-30 132 108)"/><ellipse cx="72" cy="80" rx="15" '
    'ry="8" transform="rotate(35 72 80)"/><ellipse cx="128" cy="80" rx="15" ry="8" transform="rotate(-35 128 80)"/><ellipse '
    'cx="100" cy="62" rx="10" ry="18"/></g><path d="M84 146h32" stroke="#b98a55" stroke-width="8" stroke-linecap="round"/>',
    "nuts": '<path fill="#b47b45" d="M62 104q-2-36 26-40 28 4 26 40-2 34-26 36-24-2-26-36z"/><path fill="#7d5128" d="M58 94q2-36 '
    '30-38 28 2 30 38-30 10-60 0z"/><path d="M88 56V44" stroke="#7d5128" stroke-width="6" stroke-linecap="round"/><path '
    'fill="#d9b382" d="M122 112q30-6 32 18-2 24-28 24-22-2-22-20 2-16 18-22z"/><path d="M112 134q14-16 36-12" '
    'stroke="#b08652" stroke-width="4" fill="none"/>',
    "egg": '<ellipse cx="78" cy="116" rx="27" ry="36" fill="#e8cfae"/><ellipse cx="124" cy="116" rx="27" ry="36" fill="#f6ead8"/>'
    f'<ellipse cx="101" cy="122" rx="28" ry="37" fill="#d9a877"/><path d="M86 108q2-10 8-14" {_SHINE}/>',
    "cheese": '<path fill="#f2c14e" d="M44 116l92-50q22 14 22 50z"/><path fill="#e0a92f" d="M44 116h114v38H44z"/><g '
    'fill="#c68d1c"><circle cx="74" cy="134" r="9"/><circle cx="112" cy="140" r="7"/><circle cx="140" cy="128" r="6"/></g>'
    '<circle cx="118" cy="98" r="8" fill="#d9a52e"/>',
    "steak": '<path fill="#c4554e" d="M52 96q6-36 46-36 46 2 54 38 6 34-28 50-30 12-54-6-22-16-18-46z"/><path fill="none" '
    'stroke="#f3d9cf" stroke-width="8" d="M52 96q6-36 46-36 46 2 54 38 6 34-28 50-30 12-54-6-22-16-18-46z"/><circle cx="116" '
    'cy="110" r="14" fill="#f3e4d6"/><circle cx="116" cy="110" r="6" fill="#d9b9a6"/><path d="M72 92q10-10 24-8M74 118q8 10 '
    '20 12" stroke="#e99a90" stroke-width="5" fill="none" stroke-linecap="round"/>',
    "drumstick": '<path fill="#c07a3a" d="M64 76q22-26 54-16 26 14 22 44-6 24-30 28-16 4-26 14l-14-14q10-10 6-22-10-16-12-34z"/>'
    f'<path fill="#f3e7d4" d="M78 140l12 12-14 14q2 8-6 8t-8-8q-8 0-8-8t8-6z"/><path d="M84 84q10-12 26-8" {_SHINE}/>',
    "sausage": '<path d="M58 120q40 24 84-14" stroke="#b4583f" stroke-width="26" fill="none" stroke-linecap="round"/><path d="M58 '
    '86q40 22 84-12" stroke="#cc6d4f" stroke-width="26" fill="none" stroke-linecap="round"/><path d="M78 92l6-10M100 92l4-12'
    'M122 84l4-10M80 128l4-10M104 128l4-12M124 118l6-10" stroke="#8e3d2a" stroke-width="4" stroke-linecap="round"/>',
    "ham": '<path fill="#d98880" d="M48 84q20-18 52-4t52-2v18q-20 14-52 2t-52 6z"/><path fill="#f3d5cc" d="M48 92q20-18 52-4t52-2v7'
    'q-20 16-52 2t-52 6z"/><path fill="#c96b63" d="M48 122q20-18 52-4t52-2v18q-20 14-52 2t-52 6z"/><path fill="#f0cbc1" '
    'd="M48 130q20-18 52-4t52-2v7q-20 16-52 2t-52 6z"/>',
    "fish": '<path fill="#5b93ad" d="M46 104q38-46 84-14l24-20q8 34 0 68l-24-20q-46 32-84-14z"/><path fill="#89b6ca" d="M60 106q34 '
    '26 66 8-32-2-66-8z"/><circle cx="72" cy="98" r="5" fill="#16303c"/><path d="M92 84q10 18 0 40M110 88q8 16 0 32" '
    'stroke="#3d7089" stroke-width="4" fill="none" stroke-linecap="round"/>',
    "shrimp": '<path d="M134 74q-44-26-66 12-14 38 22 60" stroke="#e8876a" stroke-width="24" fill="none" stroke-linecap="round"/>'
    '<path d="M92 62l10 20M70 82l20 10M66 110l22-4M80 134l14-14" stroke="#c65f45" stroke-width="4"/><path fill="#e8876a" '
    'd="M86 140l-8 26 22-8 14 10-2-24z"/><circle cx="132" cy="72" r="4" fill="#3a1d16"/><path d="M140 68q14-12 10-26" '
    'stroke="#c65f45" stroke-width="3" fill="none"/>',
    "loaf": '<path fill="#c98a45" d="M46 98q-4-32 30-32h48q34 0 30 32-2 8-8 12v44H54v-44q-6-4-8-12z"/><path fill="#e9c389" d="M60 '
    '108q-6-26 20-28h40q26 2 20 28v38H60z"/><path d="M80 92l8 14M100 92l8 14M120 92l6 14" stroke="#c98a45" stroke-width="5" '
    'stroke-linecap="round"/>',
    "bun": '<path fill="#d79a4f" d="M48 110q2-48 52-48t52 48z"/><path fill="#f0d3a0" d="M48 114h104q2 40-52 40t-52-40z"/><rect '
    'x="44" y="108" width="112" height="12" rx="6" fill="#b97a33"/><g fill="#f7e6c4"><ellipse cx="82" cy="86" rx="5" ry="3"/>'
    '<ellipse cx="104" cy="78" rx="5" ry="3"/><ellipse cx="122" cy="92" rx="5" ry="3"/></g>',
    "donut": '<circle cx="100" cy="106" r="52" fill="#d59a55"/><path fill="#e58fa0" d="M100 58a48 46 0 0 1 48 46q-8 16-20 8-10 14-'
    '26 6-14 12-28 0-12 8-22-14a48 46 0 0 1 48-46z"/><circle cx="100" cy="106" r="18" fill="#f8f1e6"/><path d="M74 80l8 '
    '6M122 76l-6 8M132 98l-8 2M68 98l8 2M98 70l6 2" stroke="#fff" stroke-width="5" stroke-linecap="round"/>',
    "cake": '<path fill="#f3e2c6" d="M50 96h100v58H50z"/><path fill="#b4626f" d="M50 112h100v10H50z"/><path fill="#f7f2ea" d="M46 '
    '92q0-14 16-14h76q16 0 16 14v8q-8 12-18 0-10 14-18 0-8 14-18 0-8 14-18 0-8 14-18 0-10 12-18 0z"/><circle cx="100" '
    'cy="64" r="13" fill="#c23b4a"/><path d="M100 52q2-12 12-14" stroke="#4f8a3a" stroke-width="4" fill="none"/>',
    "pie": '<path fill="#d79a4f" d="M40 108h120l-14 40q-2 6-8 6H62q-6 0-8-6z"/><path fill="#c27f38" d="M36 108q4-46 64-48 60 2 64 '
    '48z"/><path d="M70 76l-8 26M100 66v36M130 76l8 26" stroke="#f0cf9a" stroke-width="7" stroke-linecap="round"/><rect '
    'x="34" y="102" width="132" height="13" rx="6" fill="#e9bb79"/>',
    "cookie": '<circle cx="84" cy="96" r="42" fill="#c8924f"/><g fill="#5a3820"><circle cx="70" cy="84" r="6"/><circle cx="96" '
    'cy="80" r="6"/><circle cx="76" cy="112" r="6"/></g><circle cx="122" cy="122" r="34" fill="#dba863"/><g fill="#5a3820">'
    '<circle cx="112" cy="112" r="5"/><circle cx="134" cy="116" r="5"/><circle cx="120" cy="136" r="5"/></g>',
    "sandwich": '<path fill="#e9c389" d="M44 96l56-38 56 38z"/><path fill="#c98a45" d="M40 96h120v10H40z"/><path fill="#6aa552" '
    'd="M40 108q10 12 20 0t20 0 20 0 20 0 20 0 20 0v8H40z"/><path fill="#d2463c" d="M44 118h112v9H44z"/><path '
    'fill="#f2c14e" d="M40 128h120l-20 10H60z"/><path fill="#e9c389" d="M40 138h120v8q0 10-10 10H50q-10 0-10-10z"/>',
    "sushi": '<rect x="50" y="92" width="48" height="58" rx="8" fill="#26342e"/><ellipse cx="74" cy="92" rx="24" ry="12" '
    'fill="#f7f4ee"/><ellipse cx="74" cy="92" rx="11" ry="6" fill="#e8876a"/><rect x="106" y="102" width="48" height="50" '
    'rx="8" fill="#26342e"/><ellipse cx="130" cy="102" rx="24" ry="12" fill="#f7f4ee"/><ellipse cx="130" cy="102" rx="11" '
    'ry="6" fill="#6aa552"/><path d="M60 58l90-10M62 70l90-4" stroke="#a8743f" stroke-width="5" stroke-linecap="round"/>',
    "bowl": '<path fill="{p}" d="M42 104h116q-4 50-58 52-54-2-58-52z"/><ellipse cx="100" cy="104" rx="58" ry="15" fill="{d}"/>'
    '<ellipse cx="100" cy="103" rx="50" ry="11" fill="#e3a44c"/><g fill="#5d9b45"><circle cx="84" cy="101" r="5"/><circle '
    'cx="118" cy="104" r="4"/></g><circle cx="102" cy="105" r="6" fill="#cf5a3e"/><path d="M82 82q-8-10 0-20M104 80q-8-10 '
    '0-20M126 82q-8-10 0-20" stroke="#a9a29a" stroke-width="5" fill="none" stroke-linecap="round"/>',
    "salad": '<g fill="#6aa552"><circle cx="72" cy="92" r="20"/><circle cx="128" cy="92" r="20"/><circle cx="100" cy="82" '
    'r="24"/></g><g fill="#8cc46d"><circle cx="86" cy="94" r="14"/><circle cx="116" cy="96" r="13"/></g><circle cx="104" '
    'cy="84" r="10" fill="#d2463c"/><circle cx="80" cy="82" r="7" fill="#e9812f"/><path fill="{p}" d="M42 104h116q-4 50-58 52-'
    '54-2-58-52z"/><path fill="{d}" d="M42 104h116l-1 9H43z"/>',
    "pizza": '<path fill="#e2a94f" d="M100 164L44 66q56-26 112 0z"/><path fill="#f3ce7c" d="M100 150L54 76q46-18 92 0z"/><path '
    'd="M42 68q58-28 116 0" stroke="#b97a33" stroke-width="13" fill="none" stroke-linecap="round"/><g fill="#c8443a"><circle '
    'cx="84" cy="90" r="10"/><circle cx="116" cy="92" r="10"/><circle cx="100" cy="118" r="9"/></g><g fill="#5d9b45"><circle '
    'cx="101" cy="80" r="4"/><circle cx="112" cy="112" r="3"/></g>',
    "nachos": '<path fill="#e5a93f" d="M100 60l46 80H54z"/><path fill="#f1c76a" d="M70 82l40 66H34z" transform="translate(10 4)"/>'
    '<g fill="#b9772a"><circle cx="102" cy="96" r="4"/><circle cx="114" cy="118" r="3"/><circle cx="84" cy="124" r="4"/>'
    '<circle cx="76" cy="140" r="3"/></g>',
}
