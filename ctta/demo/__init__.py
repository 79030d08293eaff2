"""The story that `ctta demo` plays: real requests of people at three centers, on the sample market or on real data."""
