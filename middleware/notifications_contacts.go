package middleware

import (
	"parley/middleware/bus"
	"parley/storage"
)

// AboutContact is the common part of the notifications of a contact.
type AboutContact struct {
	bus.Note

	Contact int64
	Now     Contact // as of this moment, or before it was deleted
}

type (
	// AddressbookContactWasActivated is posted when a contact was added.
	AddressbookContactWasActivated struct{ AboutContact }

	// AddressbookContactDidChange is posted when a contact was changed.
	AddressbookContactDidChange struct{ AboutContact }

	// AddressbookContactWasDeleted is posted when a contact was deleted.
	AddressbookContactWasDeleted struct{ AboutContact }

	// AddressbookGroupWasActivated is posted when a group was made.
	AddressbookGroupWasActivated struct {
		bus.Note
		Group ContactGroup
	}

	// AddressbookGroupDidChange is posted when a group was renamed, or contacts
	// were put into it or taken out.
	AddressbookGroupDidChange struct {
		bus.Note
		Group ContactGroup
	}

	// AddressbookGroupWasDeleted is posted when a group was deleted.
	AddressbookGroupWasDeleted struct {
		bus.Note
		Group ContactGroup
	}

	// AddressbookDidChange is posted after every change of contacts or groups,
	// once for many that come together, such as an import: those are not told
	// one by one. Not in sipsimple.
	AddressbookDidChange struct{ bus.Note }
)

// A Contact is a person or a place with the addresses where it is called.
type Contact = storage.Contact

// A ContactAddress is one way to call a contact.
type ContactAddress = storage.ContactAddress

// A ContactQuery asks for a page of contacts.
type ContactQuery = storage.ContactQuery

// A ContactGroup is a named set of contacts.
type ContactGroup = storage.Group

// What the methods of [Contacts] fail with.
var (
	ErrNoContact     = storage.ErrNoContact
	ErrNoGroup       = storage.ErrNoGroup
	ErrGroupExists   = storage.ErrGroupExists
	ErrContactExists = storage.ErrContactExists
)
