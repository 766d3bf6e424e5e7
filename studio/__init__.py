"""What the app does: requests, jobs, files. Imports no gradio, torch or cloud SDK."""
