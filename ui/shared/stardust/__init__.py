"""The look Stardust: its style sheet and its sky. The scripts and the sheet are all there is."""
