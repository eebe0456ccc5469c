"""The demo's data: The Complete Journey, a year of one grocer's baskets, turned into the plain format.

The way through: `adapter` reads the tables and writes events and products; `merchandise` says what is left out;
`titles` names what stays, from `departments`, `kinds` and `sizes`, with the abbreviations of `words`.
"""
