"""The web page: the only user of gradio. It knows the studio and nothing below it."""
