"""The demo shop: plays the shop platform around Endcap, with pages, login, cart and the app proxy. No edge needs it."""
