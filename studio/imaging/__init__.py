"""The work of jobs that make and change pictures: crops, masks, alignment, composites, versions and replays."""
