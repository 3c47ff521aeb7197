"""Pictures for people: animals drawn on images, and predictions beside the ground truth."""
