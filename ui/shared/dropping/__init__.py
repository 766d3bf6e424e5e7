"""Pictures from a person's disk: dropped anywhere on the page, pasted, or chosen. Its scripts send them to
`ui/routes/uploads.py` and pass the result to the open tab.
"""
