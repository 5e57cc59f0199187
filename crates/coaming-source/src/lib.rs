//! Turn files, folders, charts, overlays and standard input into an inventory.
