"""What you see: the only home of gradio. It knows the studio and nothing below it."""
