"""Tables of predictions; each format's writer has its reader beside it where there is one."""
