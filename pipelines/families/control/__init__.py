"""Drawing along the outlines or the depth of a picture, or in its look."""
