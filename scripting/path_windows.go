package scripting

import "io/fs"

// checkFolder trusts the folder's access list: temporary folders are their
// user's own.
func checkFolder(string, fs.FileInfo) error { return nil }
