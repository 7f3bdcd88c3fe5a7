package middleware

import (
	"context"

	"parley/sip"
	"parley/storage"
)

// ImportProgress tells how far an import has come.
type ImportProgress = storage.ImportProgress

// An ImportProblem is an entry of a file that was not taken, or not as a whole.
type ImportProblem = storage.ImportProblem

// An ImportReport tells what an import has done.
type ImportReport = storage.ImportReport

// ExportOptions say how contacts are exported.
type ExportOptions = storage.ExportOptions

// Import takes in the contacts of a file of vCards (2.1, 3 or 4), or of a CSV
// file whose first row names the columns, at an absolute path. Broken entries are
// left out and listed; those that are there already are merged: that adds
// addresses and groups, fills what is empty, and changes nothing else. Whose calls
// are answered by themselves, and ringtones, are not taken from a file.
//
// It takes about a minute for 100,000 contacts, in steps between which others may
// write. progress, which may be nil, is called meanwhile on the caller's goroutine,
// at most ten times a second. If ctx ends what was taken stays, and the report
// tells of it beside the error.
func (c *Contacts) Import(ctx context.Context, path string, progress func(ImportProgress)) (ImportReport, error) {
	report, err := c.store.ImportFile(ctx, path, func(n *storage.NewContact) {
		n.Contact = cleaned(n.Contact)
		for i, g := range n.GroupNames {
			n.GroupNames[i] = sip.CleanText(g, storage.MaxContactText)
		}
	}, progress)
	for i := range report.Bad {
		b := &report.Bad[i]
		b.Name, b.Text = sip.CleanText(b.Name, 200), sip.CleanText(b.Text, 500)
	}
	if report.Added+report.Merged > 0 {
		c.bus.Publish(AddressbookDidChange{})
	}
	return report, err
}

// Export writes contacts by name into a file of vCards at an absolute path, and
// returns how many. Without Overwrite the error is fs.ErrExist if there is such a
// file. If ctx ends, no file is left.
func (c *Contacts) Export(ctx context.Context, path string, o ExportOptions) (int, error) {
	return c.store.ExportFile(ctx, path, o)
}
