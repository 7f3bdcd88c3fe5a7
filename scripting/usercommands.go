package scripting

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"

	"parley/middleware"
	"parley/scripting/protocol"
)

// handlesOf writes the addresses at which contacts are called.
func handlesOf(list []middleware.Contact) string {
	var handles []string
	for _, p := range list {
		if h := userHandle(p); h != "" {
			handles = append(handles, h)
		}
	}
	return strings.Join(handles, ", ")
}

// userHandle is the name by which the API knows a contact, in Skype's way: the
// address that is called, a number without the marks that people write.
func userHandle(p middleware.Contact) string {
	text := p.Default().Address
	if strings.Trim(text, "+0123456789 -./()\u00a0") == "" {
		return strings.Map(func(r rune) rune {
			if r == '+' || r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, text)
	}
	return handleOf(text)
}

// searchFriends lists all contacts that can be called: SEARCH FRIENDS.
func (s *Server) searchFriends(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	list, err := s.app.Contacts().List(ctx, middleware.ContactQuery{Limit: maxListed})
	if err != nil {
		return "", refuse(protocol.ContactFailed, err)
	}
	return join("USERS", handlesOf(list)), done(cmd, protocol.SearchWithTarget)
}

// searchUsers lists those that fit: SEARCH USERS <text>.
func (s *Server) searchUsers(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	list, err := s.app.Contacts().Search(ctx, cmd.Rest(), maxListed)
	return join("USERS", handlesOf(list)), refuse(protocol.ContactFailed, err)
}

// userProperties are Skype's properties of a person that we know something about.
var userProperties = map[string]func(handle string, p middleware.Contact) string{
	"HANDLE":       func(h string, _ middleware.Contact) string { return h },
	"FULLNAME":     func(_ string, p middleware.Contact) string { return p.Name },
	"DISPLAYNAME":  func(_ string, p middleware.Contact) string { return p.Name },
	"ABOUT":        func(_ string, p middleware.Contact) string { return p.Note },
	"PHONE_HOME":   func(_ string, p middleware.Contact) string { return labeled(p, "home") },
	"PHONE_OFFICE": func(_ string, p middleware.Contact) string { return labeled(p, "work") },
	"PHONE_MOBILE": func(_ string, p middleware.Contact) string { return cmp.Or(labeled(p, "cell"), labeled(p, "mobile")) },
	"BUDDYSTATUS": func(_ string, p middleware.Contact) string {
		if p.ID == 0 {
			return "0"
		}
		return "3"
	},
	"ISAUTHORIZED":     func(_ string, p middleware.Contact) string { return trueFalse(p.ID != 0) },
	"ISBLOCKED":        func(string, middleware.Contact) string { return "FALSE" },
	"HASCALLEQUIPMENT": func(string, middleware.Contact) string { return "TRUE" },
	"ONLINESTATUS": func(h string, _ middleware.Contact) string {
		if strings.HasPrefix(h, "+") {
			return "SKYPEOUT"
		}
		return "UNKNOWN" // whom nobody watches nobody knows about
	},
	"CONTACT": func(_ string, p middleware.Contact) string {
		if p.ID == 0 {
			return ""
		}
		return strconv.FormatInt(p.ID, 10)
	},
}

// labeled returns the contact's first address with that label.
func labeled(p middleware.Contact, label string) string {
	for _, a := range p.Addresses {
		if strings.EqualFold(a.Label, label) && a.Callable() {
			return a.Address
		}
	}
	return ""
}

// user finds the contact of a handle; the zero contact is somebody who is none.
func (s *Server) user(ctx context.Context, handle string) (middleware.Contact, error) {
	if handle == "" {
		return middleware.Contact{}, protocol.Errorf(protocol.BadUserHandle, "")
	}
	p, err := s.app.Contacts().Find(ctx, handle)
	if errors.Is(err, middleware.ErrNoContact) {
		return middleware.Contact{}, nil
	}
	return p, refuse(protocol.ContactFailed, err)
}

// getUser reads a property of a person: GET USER <handle> <property>.
func (s *Server) getUser(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	handle := cmd.Word()
	p, err := s.user(ctx, handle)
	if err != nil {
		return "", err
	}
	name := cmd.Keyword()
	get, ok := userProperties[name]
	if !ok {
		return "", protocol.Errorf(protocol.BadUserProperty, "there are %s", sortedNames(userProperties))
	}
	return join("USER", handle, name, get(handle, p)), cmd.Done()
}

// setUser renames a contact, SET USER <handle> DISPLAYNAME <name>; makes one, SET
// USER <handle> BUDDYSTATUS 2; or removes it, SET USER <handle> BUDDYSTATUS 1.
func (s *Server) setUser(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	handle := cmd.Word()
	p, err := s.user(ctx, handle)
	if err != nil {
		return "", err
	}
	name, text := cmd.Keyword(), cmd.Rest()
	switch value, _, _ := strings.Cut(text, " "); {
	case name == "DISPLAYNAME" && p.ID != 0:
		_, err = s.app.Contacts().Change(ctx, p.ID, func(p *middleware.Contact) error { p.Name = text; return nil })
		return join("USER", handle, name, text), contactError(err)
	case name == "BUDDYSTATUS" && value == "2" && p.ID == 0:
		_, err = s.app.Contacts().Add(ctx, middleware.Contact{Addresses: []middleware.ContactAddress{{Address: handle}}})
	case name == "BUDDYSTATUS" && value == "1" && p.ID != 0:
		err = s.app.Contacts().Remove(ctx, p.ID)
	case name == "BUDDYSTATUS" && (value == "1" || value == "2"):
		// It is so already.
	case name == "BUDDYSTATUS":
		return "", protocol.Errorf(protocol.BadValue, "1 or 2")
	case name == "DISPLAYNAME":
		return "", protocol.Errorf(protocol.UnknownUser, "")
	default:
		return "", protocol.Errorf(protocol.BadUserProperty, "DISPLAYNAME or BUDDYSTATUS")
	}
	if err != nil {
		return "", contactError(err)
	}
	return join("USER", handle, name, userProperties[name](handle, p)), nil
}

// searchGroups lists the groups: SEARCH GROUPS [ALL|CUSTOM|HARDWIRED]. All are
// made by people.
func (s *Server) searchGroups(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	kind := cmd.Keyword()
	if err := cmd.Done(); err != nil {
		return "", err
	}
	var ids []int64
	switch kind {
	case "", "ALL", "CUSTOM":
		groups, err := s.app.Contacts().Groups(ctx)
		if err != nil {
			return "", refuse(protocol.ContactFailed, err)
		}
		for _, g := range groups {
			ids = append(ids, g.ID)
		}
	case "HARDWIRED":
	default:
		return "", protocol.Errorf(protocol.BadGroupTarget, "")
	}
	return join("GROUPS", idList(ids)), nil
}

// group finds the group whose id the next word is.
func (s *Server) group(ctx context.Context, cmd *protocol.Command) (middleware.ContactGroup, string, error) {
	word := cmd.Word()
	id, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		return middleware.ContactGroup{}, word, protocol.Errorf(protocol.BadGroupID, "")
	}
	g, err := s.app.Contacts().Group(ctx, id)
	return g, word, contactError(err)
}

// getGroup reads a property: GET GROUP <id> <property>.
func (s *Server) getGroup(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	g, id, err := s.group(ctx, cmd)
	if err != nil {
		return "", err
	}
	value := ""
	name := cmd.Keyword()
	switch name {
	case "TYPE":
		value = "CUSTOM_GROUP"
	case "CUSTOM_GROUP_ID":
		value = id
	case "DISPLAYNAME":
		value = g.Name
	case "NROFUSERS":
		value = number(g.Size)
	case "VISIBLE", "EXPANDED":
		value = trueFalse(true)
	case "USERS":
		list, err := s.app.Contacts().List(ctx, middleware.ContactQuery{Group: g.ID, Limit: maxListed})
		if err != nil {
			return "", refuse(protocol.ContactFailed, err)
		}
		value = handlesOf(list)
	default:
		return "", protocol.Errorf(protocol.BadGroupProperty, "")
	}
	return join("GROUP", id, name, value), cmd.Done()
}

// setGroup renames a group: SET GROUP <id> DISPLAYNAME <name>.
func (s *Server) setGroup(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	g, id, err := s.group(ctx, cmd)
	if err != nil {
		return "", err
	}
	if name := cmd.Keyword(); name != "DISPLAYNAME" {
		return "", protocol.Errorf(protocol.BadGroupProperty, "")
	}
	text := cmd.Rest()
	return join("GROUP", id, "DISPLAYNAME", text), contactError(s.app.Contacts().RenameGroup(ctx, g.ID, text))
}

// alterGroup puts a contact into a group, or takes it out:
// ALTER GROUP <id> ADDUSER|REMOVEUSER <handle>.
func (s *Server) alterGroup(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	g, id, err := s.group(ctx, cmd)
	if err != nil {
		return "", err
	}
	verb, handle := cmd.Keyword(), cmd.Word()
	p, err := s.user(ctx, handle)
	switch {
	case err != nil:
		return "", err
	case p.ID == 0:
		return "", protocol.Errorf(protocol.UnknownUser, "")
	case verb == "ADDUSER":
		err = s.app.Contacts().AddToGroup(ctx, g.ID, p.ID)
	case verb == "REMOVEUSER":
		err = s.app.Contacts().RemoveFromGroup(ctx, g.ID, p.ID)
	default:
		return "", protocol.Errorf(protocol.BadGroupTarget, "the actions are ADDUSER and REMOVEUSER")
	}
	return join("ALTER GROUP", id, verb, handle), contactError(err)
}

// createGroup makes a group: CREATE GROUP <name>.
func (s *Server) createGroup(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	name := cmd.Rest()
	_, err := s.app.Contacts().AddGroup(ctx, name)
	return join("CREATE GROUP", name), contactError(err)
}

// deleteGroup removes a group, not its members: DELETE GROUP <id>.
func (s *Server) deleteGroup(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	g, id, err := s.group(ctx, cmd)
	if err != nil {
		return "", err
	}
	return join("DELETE GROUP", id), contactError(s.app.Contacts().RemoveGroup(ctx, g.ID))
}
