package scripting

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"parley/middleware"
	"parley/scripting/protocol"
)

// contactTable lists the commands about contacts, people and groups.
func (s *Server) contactTable() map[string]handler {
	return map[string]handler{
		"SEARCH CONTACTS":  {run: s.searchContacts},
		"SEARCH FAVORITES": {run: s.searchFavorites},
		"GET CONTACT":      {run: s.getContact},
		"SET CONTACT":      {run: s.setContact},
		"ALTER CONTACT":    {run: s.alterContact},
		"CREATE CONTACT":   {run: s.createContact},
		"DELETE CONTACT":   {run: s.deleteContact},
		"IMPORT CONTACTS":  {run: s.importContacts},
		"EXPORT CONTACTS":  {run: s.exportContacts},
		"EXPORT CALLS":     {run: s.exportCalls},

		"SEARCH FRIENDS": {run: s.searchFriends},
		"SEARCH USERS":   {run: s.searchUsers},
		"GET USER":       {run: s.getUser},
		"SET USER":       {run: s.setUser},

		"SEARCH GROUPS": {run: s.searchGroups},
		"GET GROUP":     {run: s.getGroup},
		"SET GROUP":     {run: s.setGroup},
		"ALTER GROUP":   {run: s.alterGroup},
		"CREATE GROUP":  {run: s.createGroup},
		"DELETE GROUP":  {run: s.deleteGroup},
	}
}

// A contactProperty reads a property of a contact, and sets it unless set is nil.
type contactProperty struct {
	get func(middleware.Contact) string
	set func(p *middleware.Contact, value string) error
}

// textProperty makes a property of one of a contact's texts.
func textProperty(field func(*middleware.Contact) *string) contactProperty {
	return contactProperty{
		get: func(p middleware.Contact) string { return *field(&p) },
		set: func(p *middleware.Contact, value string) error { *field(p) = value; return nil },
	}
}

var contactProperties = map[string]contactProperty{
	"NAME":         textProperty(func(p *middleware.Contact) *string { return &p.Name }),
	"GIVENNAME":    textProperty(func(p *middleware.Contact) *string { return &p.Given }),
	"FAMILYNAME":   textProperty(func(p *middleware.Contact) *string { return &p.Family }),
	"ORGANIZATION": textProperty(func(p *middleware.Contact) *string { return &p.Organization }),
	"NOTE":         textProperty(func(p *middleware.Contact) *string { return &p.Note }),
	"RINGTONE":     textProperty(func(p *middleware.Contact) *string { return &p.Ringtone }),
	"UID":          textProperty(func(p *middleware.Contact) *string { return &p.UID }),
	"ADDRESSES": {get: func(p middleware.Contact) string {
		var list []string
		for _, a := range p.Addresses {
			list = append(list, a.Address)
		}
		return strings.Join(list, ", ")
	}, set: setAddresses},
	"ADDRESS": {get: func(p middleware.Contact) string { return p.Default().Address }, set: func(p *middleware.Contact, value string) error {
		return chooseAddress(p, value)
	}},
	"AUTOANSWER": {get: func(p middleware.Contact) string { return onOff(p.AutoAnswer) }, set: func(p *middleware.Contact, value string) error {
		switch strings.ToUpper(value) {
		case "ON", "TRUE":
			p.AutoAnswer = true
		case off, "FALSE":
			p.AutoAnswer = false
		default:
			return protocol.Errorf(protocol.BadValue, "ON or OFF")
		}
		return nil
	}},
	"FAVORITE": {get: func(p middleware.Contact) string { return number(p.Favorite) }, set: func(p *middleware.Contact, value string) error {
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil {
			return protocol.Errorf(protocol.BadValue, "a place among the favorites, or 0")
		}
		p.Favorite = int(n)
		return nil
	}},
	"GROUPS": {get: func(p middleware.Contact) string { return idList(p.Groups) }},
	"PHOTO":  {get: func(p middleware.Contact) string { return p.Photo }},
	"CALLED": {get: func(p middleware.Contact) string { return unix(p.Called) }},
}

// setAddresses replaces the addresses; those that stay keep their labels.
func setAddresses(p *middleware.Contact, value string) error {
	old := p.Addresses
	p.Addresses = nil
	for _, text := range strings.Split(value, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		a := middleware.ContactAddress{Address: text}
		if i := slices.IndexFunc(old, func(o middleware.ContactAddress) bool { return o.Address == text }); i >= 0 {
			a = old[i]
		}
		p.Addresses = append(p.Addresses, a)
	}
	return nil
}

// chooseAddress makes an address of the contact the one that is called.
func chooseAddress(p *middleware.Contact, value string) error {
	i := slices.IndexFunc(p.Addresses, func(a middleware.ContactAddress) bool { return a.Address == value })
	if i < 0 {
		return protocol.Errorf(protocol.BadValue, "it is none of the contact's addresses")
	}
	for j := range p.Addresses {
		p.Addresses[j].Default = j == i
	}
	return nil
}

// idList writes ids.
func idList(ids []int64) string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(list, ", ")
}

func contactIDs(list []middleware.Contact) string {
	ids := make([]int64, len(list))
	for i, p := range list {
		ids[i] = p.ID
	}
	return idList(ids)
}

// searchContacts lists contacts, all by name or those that fit, the best first:
// SEARCH CONTACTS [<text>].
func (s *Server) searchContacts(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	var list []middleware.Contact
	var err error
	if text := cmd.Rest(); text != "" {
		list, err = s.app.Contacts().Search(ctx, text, maxListed)
	} else {
		list, err = s.app.Contacts().List(ctx, middleware.ContactQuery{Limit: maxListed})
	}
	return join("CONTACTS", contactIDs(list)), refuse(protocol.ContactFailed, err)
}

// searchFavorites lists the favorites in their order: SEARCH FAVORITES.
func (s *Server) searchFavorites(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	list, err := s.app.Contacts().List(ctx, middleware.ContactQuery{Favorites: true, Limit: maxListed})
	if err != nil {
		return "", refuse(protocol.ContactFailed, err)
	}
	return join("CONTACTS", contactIDs(list)), done(cmd, protocol.SearchWithTarget)
}

// contact finds the contact whose id the next word is.
func (s *Server) contact(ctx context.Context, cmd *protocol.Command) (middleware.Contact, string, error) {
	word := cmd.Word()
	id, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		return middleware.Contact{}, word, protocol.Errorf(protocol.UnknownContact, "")
	}
	p, err := s.app.Contacts().Get(ctx, id)
	return p, word, contactError(err)
}

// contactError makes an error of the protocol of one of contacts or groups.
func contactError(err error) error {
	var ve *middleware.ValueError
	switch {
	case errors.Is(err, middleware.ErrNoContact):
		return protocol.Errorf(protocol.UnknownContact, "")
	case errors.Is(err, middleware.ErrNoGroup):
		return protocol.Errorf(protocol.BadGroupID, "")
	case errors.As(err, &ve):
		return protocol.Errorf(protocol.BadValue, "%s", plain(err))
	}
	return refuse(protocol.ContactFailed, err)
}

func property(name string) (contactProperty, error) {
	p, ok := contactProperties[name]
	if !ok {
		return p, protocol.Errorf(protocol.BadContactProperty, "there are %s", sortedNames(contactProperties))
	}
	return p, nil
}

// getContact reads a property: GET CONTACT <id> <property>.
func (s *Server) getContact(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	p, id, err := s.contact(ctx, cmd)
	if err != nil {
		return "", err
	}
	name := cmd.Keyword()
	prop, err := property(name)
	if err != nil {
		return "", err
	}
	return join("CONTACT", id, name, prop.get(p)), cmd.Done()
}

// setContact changes a property: SET CONTACT <id> <property> <value>.
func (s *Server) setContact(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	p, id, err := s.contact(ctx, cmd)
	if err != nil {
		return "", err
	}
	name := cmd.Keyword()
	prop, err := property(name)
	if err != nil {
		return "", err
	}
	if name == "PHOTO" {
		return s.setPhoto(ctx, id, p, cmd.Rest())
	}
	if prop.set == nil {
		return "", protocol.Errorf(protocol.BadContactProperty, "%s cannot be set", name)
	}
	value := cmd.Rest()
	if p, err = s.app.Contacts().Change(ctx, p.ID, func(p *middleware.Contact) error { return prop.set(p, value) }); err != nil {
		return "", contactError(err)
	}
	return join("CONTACT", id, name, prop.get(p)), nil
}

// alterContact adds or takes away an address:
// ALTER CONTACT <id> ADDADDRESS <address>[, <label>] or REMOVEADDRESS <address>.
func (s *Server) alterContact(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	p, id, err := s.contact(ctx, cmd)
	if err != nil {
		return "", err
	}
	verb, text := cmd.Keyword(), cmd.Rest()
	_, err = s.app.Contacts().Change(ctx, p.ID, func(p *middleware.Contact) error {
		at := slices.IndexFunc(p.Addresses, func(a middleware.ContactAddress) bool { return a.Address == text })
		switch {
		case verb == "ADDADDRESS":
			address, label, _ := strings.Cut(text, ",")
			p.Addresses = append(p.Addresses, middleware.ContactAddress{Address: address, Label: label})
		case verb != "REMOVEADDRESS":
			return protocol.Errorf(protocol.ContactFailed, "the actions are ADDADDRESS and REMOVEADDRESS")
		case at < 0:
			return protocol.Errorf(protocol.BadValue, "it is none of the contact's addresses")
		default:
			p.Addresses = slices.Delete(p.Addresses, at, at+1)
		}
		return nil
	})
	return join("ALTER CONTACT", id, verb), contactError(err)
}

// createContact makes one: CREATE CONTACT key=value …, where the keys are
// properties; ADDRESSES may come several times.
func (s *Server) createContact(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	pairs, err := cmd.Pairs()
	if err != nil {
		return "", err
	}
	var p middleware.Contact
	for _, pair := range pairs {
		prop, err := property(strings.ToUpper(pair[0]))
		if err != nil {
			return "", err
		}
		if prop.set == nil {
			return "", protocol.Errorf(protocol.BadContactProperty, "%s cannot be set", pair[0])
		}
		before := p.Addresses
		if err := prop.set(&p, pair[1]); err != nil {
			return "", err
		}
		if strings.EqualFold(pair[0], "addresses") {
			p.Addresses = append(before, p.Addresses...)
		}
	}
	if p, err = s.app.Contacts().Add(ctx, p); err != nil {
		return "", contactError(err)
	}
	return join("CREATE CONTACT", strconv.FormatInt(p.ID, 10)), nil
}

// deleteContact removes one: DELETE CONTACT <id>.
func (s *Server) deleteContact(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	p, id, err := s.contact(ctx, cmd)
	if err != nil {
		return "", err
	}
	if err := cmd.Done(); err != nil {
		return "", err
	}
	return join("DELETE CONTACT", id), contactError(s.app.Contacts().Remove(ctx, p.ID))
}

// maxBadTold bounds how many entries that could not be imported are told.
const maxBadTold = 100

// importContacts takes in a file: IMPORT CONTACTS <path>. Its broken entries are
// told to this program before the reply.
func (s *Server) importContacts(ctx context.Context, c *conn, cmd *protocol.Command) (string, error) {
	path, _, err := filePath(cmd.Rest(), false)
	if err != nil {
		return "", err
	}
	report, err := s.app.Contacts().Import(ctx, path, nil)
	for _, b := range report.Bad[:min(len(report.Bad), maxBadTold)] {
		c.put(reply(join("IMPORT LINE", number(b.Line), b.Name+":", b.Text)))
	}
	if err != nil {
		return "", refuse(protocol.ContactFailed, err)
	}
	return join("IMPORT CONTACTS ADDED", number(report.Added), "MERGED", number(report.Merged),
		"SAME", number(report.Same), "BAD", number(len(report.Bad)+report.More)), nil
}

// filePath reads [OVERWRITE] <path>; the path must be absolute, because programs
// do not know ours.
func filePath(text string, mayOverwrite bool) (path string, overwrite bool, err error) {
	if word, rest, ok := strings.Cut(text, " "); ok && mayOverwrite && strings.EqualFold(word, "OVERWRITE") {
		overwrite, text = true, strings.TrimSpace(rest)
	}
	if !filepath.IsAbs(text) {
		return "", false, protocol.Errorf(protocol.BadValue, "an absolute path is needed")
	}
	return filepath.Clean(text), overwrite, nil
}

// exportContacts writes vCards: EXPORT CONTACTS [OVERWRITE] <path>.
func (s *Server) exportContacts(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	path, overwrite, err := filePath(cmd.Rest(), true)
	if err != nil {
		return "", err
	}
	n, err := s.app.Contacts().Export(ctx, path, middleware.ExportOptions{Overwrite: overwrite})
	return join("EXPORT CONTACTS", number(n), path), refuse(protocol.ContactFailed, err)
}
