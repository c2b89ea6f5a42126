"""`thumbnail_lstm`: a dense LSTM on the thumbnail of every frame, small enough to store no more than FDHT-LSTM."""

from baselines import dense
from baselines.naive import thumbnails
from fdht.network import Network

authors, prepare = dense.authors, thumbnails.of_frames


def declare(input_size: int, hidden_size: int, cell: str = "lstm") -> Network:
    """W (G H, 240); the frames' input_size does not matter."""
    return dense.declare(thumbnails.SIZE, hidden_size, cell)
