"""Drawing of the demonstration images from models and tabulated values."""
