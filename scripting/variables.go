package scripting

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"parley/middleware"
	"parley/scripting/protocol"
)

// A variable is a value without an object: GET <NAME>, SET <NAME> <value>.
type variable struct {
	get func() string
	set func(value string) error // nil: it cannot be set
}

func (s *Server) variables() map[string]variable {
	device := func(which int) func(string) error {
		return func(value string) error {
			if value == "" {
				return protocol.Errorf(protocol.CannotSetDevice, "")
			}
			var names [3]string
			names[which] = value
			return refuse(protocol.CannotSetDevice, s.app.Audio().SetDevices(names[0], names[1], names[2]))
		}
	}
	return map[string]variable{
		"USERSTATUS":        {func() string { return string(s.app.UserStatus()) }, s.setUserStatus},
		"CONNSTATUS":        {get: func() string { return connStatus(s.app.AccountManager().Snapshots(), s.onLAN(s.bonjour().Snapshot())) }},
		"NETWORK":           {get: func() string { return onlineOffline(s.app.Network().Online) }},
		"CURRENTUSERHANDLE": {get: func() string { return defaultHandle(s.app.AccountManager().Snapshots()) }},
		"DEFAULTACCOUNT":    {get: s.defaultAccount},
		"SKYPEVERSION":      {get: func() string { return fourNumbers(s.config.Version) }},
		"VERSION":           {get: func() string { return s.config.Version }},
		"FORWARDING":        {s.forwarding, s.setForwarding},
		"AUTOANSWER":        {s.autoAnswer, s.setAutoAnswer},
		"MUTE":              {func() string { return onOff(s.app.Audio().Muted()) }, s.setMute},
		"AUDIO_IN":          {func() string { return s.app.Audio().Snapshot().Input }, device(0)},
		"AUDIO_OUT":         {func() string { return s.app.Audio().Snapshot().Output }, device(1)},
		"RINGER":            {func() string { return s.app.Audio().Snapshot().Alert }, device(2)},
	}
}

func (s *Server) getter(name string, v variable) handler {
	return handler{run: func(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
		return join(name, v.get()), cmd.Done()
	}}
}

// setter answers with the value now in force. Programs wait for a notification,
// so there is one even if nothing has changed.
func (s *Server) setter(name string, v variable) handler {
	return handler{run: func(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
		before := v.get()
		if err := v.set(cmd.Rest()); err != nil {
			return "", err
		}
		now := v.get()
		if now == before {
			s.hub.tell(join(name, now))
		}
		return join(name, now), nil
	}}
}

// statusWords are Skype's statuses that we have by another name.
var statusWords = map[string]middleware.UserStatus{"NA": middleware.Away, "SKYPEME": middleware.Online}

func (s *Server) setUserStatus(value string) error {
	value = strings.ToUpper(value)
	status, ok := statusWords[value]
	if !ok {
		status = middleware.UserStatus(value)
	}
	if !slices.Contains(middleware.UserStatuses(), status) {
		return protocol.Errorf(protocol.BadUserStatus, "")
	}
	return s.app.SetUserStatus(status)
}

func (s *Server) setMute(value string) error {
	switch strings.ToUpper(value) {
	case "ON":
		s.app.Audio().SetMuted(true)
	case "OFF":
		s.app.Audio().SetMuted(false)
	default:
		return protocol.Errorf(protocol.BadMute, "")
	}
	return nil
}

// mute is short for SET MUTE: MUTE ON|OFF.
func (s *Server) mute(ctx context.Context, c *conn, cmd *protocol.Command) (string, error) {
	return s.commands["SET MUTE"].run(ctx, c, cmd)
}

func (s *Server) defaultAccount() string {
	if a := s.app.AccountManager().DefaultAccount(); a != nil {
		return a.ID()
	}
	return ""
}

var digits = regexp.MustCompile(`\d+`)

// fourNumbers writes a version the way that programs for Skype compare it.
func fourNumbers(version string) string {
	numbers := append(digits.FindAllString(version, 4), "0", "0", "0", "0")
	return strings.Join(numbers[:4], ".")
}

// searchSettings lists the names of all settings: SEARCH SETTINGS.
func (s *Server) searchSettings(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	var names []string
	for _, k := range middleware.SettingKeys() {
		names = append(names, k.Name)
	}
	return join("SETTINGS", strings.Join(names, ", ")), done(cmd, protocol.SearchWithTarget)
}

// getSetting reads one: GET SETTING <key>.
func (s *Server) getSetting(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	name := cmd.Word()
	k, err := middleware.FindSettingKey(name)
	if err != nil {
		return "", refuse(protocol.UnknownSetting, err)
	}
	set := s.app.Settings()
	return join("SETTING", name, valueText(k.Values(), k.Get(&set))), cmd.Done()
}

// setSetting changes one: SET SETTING <key> <value>.
func (s *Server) setSetting(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	name, value := cmd.Word(), cmd.Rest()
	k, err := middleware.FindSettingKey(name)
	if err != nil {
		return "", refuse(protocol.UnknownSetting, err)
	}
	if k.Name == "general.default_account" {
		err = s.chooseAccount(value)
	} else {
		err = s.app.ChangeSettings(func(set *middleware.Settings) error { return k.Set(set, value) })
	}
	if err != nil {
		return "", refuse(protocol.BadValue, err)
	}
	set := s.app.Settings()
	return join("SETTING", name, valueText(k.Values(), k.Get(&set))), nil
}

// done returns the error with that number if a command has too many arguments.
func done(cmd *protocol.Command, n protocol.Number) error {
	if cmd.Rest() != "" {
		return protocol.Errorf(n, "")
	}
	return nil
}

// sortedNames lists a map's keys in a form for error messages.
func sortedNames[V any](m map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(m)), ", ")
}

// onlineOffline says whether this computer has a network.
func onlineOffline(online bool) string {
	if online {
		return "ONLINE"
	}
	return "OFFLINE"
}
