package storage

import "slices"

// Names of tables in the settings file.
const (
	accountsTable = "accounts"
	appsTable     = "api.apps"
)

// A section is a table of the settings file and the comment above it.
type section struct {
	name string
	doc  string
}

var sections = []section{
	{"general", "The program as a whole."},
	{"audio", "Audio devices and codecs."},
	{"calls", "How calls are taken and kept."},
	{"bonjour", "Calls on the local network, without a server."},
	{"network", "Addresses and ports. Flags on the command line go before these."},
	{"api", "The desktop API. One api.apps block for each program that was allowed or denied."},
}

func isSection(name string) bool {
	return isArraySection(name) || slices.ContainsFunc(sections, func(s section) bool { return s.name == name })
}

func isArraySection(name string) bool { return name == accountsTable || name == appsTable }
