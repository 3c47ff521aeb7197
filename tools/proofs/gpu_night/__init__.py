"""The first hours on a GPU: stages that are bounded in time, and one report of them all."""
