"""A trained model handed on: as weights with their page and card, and as ONNX."""
