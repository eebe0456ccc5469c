"""Fresh food: SVG shapes in a field of 200 by 200, in their own colours."""

GLYPHS = {
    "apple": '<path fill="#c8443a" d="M100 76q-14-12-30-6-20 9-18 40 3 44 30 50 10 2 18-3 8 5 18 3 27-6 30-50 2-31-18-40'
    '-16-6-30 6z"/><path d="M100 76q0-18 10-28" stroke="#6b4a2f" stroke-width="6" fill="none" stroke-linecap="round"/>'
    '<path fill="#5f9c4a" d="M106 60q10-20 34-18-4 22-34 18z"/><path d="M68 88q-6 10-4 26" stroke="#fff" opacity=".45" '
    'stroke-width="7" fill="none" stroke-linecap="round"/>',
}
