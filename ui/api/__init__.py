"""Named endpoints for programs: `gradio_client`, curl, and whatever speaks Gradio's protocol."""
