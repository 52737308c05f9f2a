"""The application put together: pages, API, lifespan."""

import reflex as rx

app = rx.App()
app.add_page(lambda: rx.el.div("hi"), route="/")
