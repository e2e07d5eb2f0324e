"""The pages in a browser. ``create_app(engine)`` is all that others see of them."""
