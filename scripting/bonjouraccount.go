package scripting

import (
	"strings"

	"parley/middleware"
	"parley/scripting/protocol"
)

// bonjourSettings begins the names of the settings of the account without a
// server: they are general settings that it shows as its own.
const bonjourSettings = "bonjour."

// bonjourProperties are the properties of that account that are no settings.
var bonjourProperties = map[string]func(middleware.BonjourSnapshot) string{
	"STATE":      func(b middleware.BonjourSnapshot) string { return constant(string(b.State)) },
	"REASON":     func(b middleware.BonjourSnapshot) string { return b.Err },
	"NAME":       func(b middleware.BonjourSnapshot) string { return b.DisplayName },
	"CONTACT":    func(b middleware.BonjourSnapshot) string { return b.Contact },
	"NEIGHBOURS": func(b middleware.BonjourSnapshot) string { return number(b.Neighbours) },
}

// isBonjour reports whether id names the account without a server.
func isBonjour(id string) bool { return strings.EqualFold(id, middleware.BonjourID) }

// onLAN reports whether neighbours can be called.
func (s *Server) onLAN(b middleware.BonjourSnapshot) bool {
	return (b.State == middleware.BonjourOn || b.State == middleware.BonjourStarting) && s.app.UserStatus() != middleware.Offline
}

// bonjourKey finds one of the account's settings.
func bonjourKey(name string) (middleware.SettingKey, error) {
	name = bonjourSettings + strings.ToLower(name)
	k, err := middleware.FindSettingKey(name)
	if err != nil || k.Name != name {
		return k, protocol.Errorf(protocol.BadAccountProperty, "there are %s, and the settings %s", sortedNames(bonjourProperties), bonjourKeys())
	}
	return k, nil
}

// bonjourKeys lists the account's settings.
func bonjourKeys() string {
	var names []string
	for _, k := range middleware.SettingKeys() {
		if name, ok := strings.CutPrefix(k.Name, bonjourSettings); ok {
			names = append(names, strings.ToUpper(name))
		}
	}
	return strings.Join(names, ", ")
}

// getBonjour reads a property or a setting: GET ACCOUNT bonjour@local <property>.
func (s *Server) getBonjour(id string, cmd *protocol.Command) (string, error) {
	name := cmd.Keyword()
	if get, ok := bonjourProperties[name]; ok {
		return join("ACCOUNT", id, name, get(s.bonjour().Snapshot())), cmd.Done()
	}
	k, err := bonjourKey(name)
	if err != nil {
		return "", err
	}
	set := s.app.Settings()
	return join("ACCOUNT", id, name, valueText(k.Values(), k.Get(&set))), cmd.Done()
}

// setBonjour changes a setting: SET ACCOUNT bonjour@local <key> <value>.
func (s *Server) setBonjour(id string, cmd *protocol.Command) (string, error) {
	name := cmd.Keyword()
	k, err := bonjourKey(name)
	if err != nil {
		return "", err
	}
	value := cmd.Rest()
	if err := s.app.ChangeSettings(func(set *middleware.Settings) error { return k.Set(set, value) }); err != nil {
		return "", refuse(protocol.BadValue, err)
	}
	set := s.app.Settings()
	return join("ACCOUNT", id, name, valueText(k.Values(), k.Get(&set))), nil
}

// tellBonjourSetting tells of a changed setting in the account's name, if it is
// one of its.
func (h *hub) tellBonjourSetting(name, value string) {
	if name, ok := strings.CutPrefix(name, bonjourSettings); ok {
		h.tell(join("ACCOUNT", middleware.BonjourID, strings.ToUpper(name), value))
	}
}
