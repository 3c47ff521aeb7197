"""Other people's labels into COCO files, and back."""
