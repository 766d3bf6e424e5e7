"""Jobs that make and change pictures: crops, masks, alignment, composites, versions and replays."""
