package middleware

// Change saves changed settings, which the account then follows.
func (b *BonjourAccount) Change(change func(*BonjourSettings) error) error {
	return b.app.ChangeSettings(func(s *Settings) error {
		set := bonjourOf(*s)
		if err := change(&set); err != nil {
			return err
		}
		s.Bonjour.Enabled, s.Bonjour.DisplayName, s.Bonjour.Note = set.Enabled, set.DisplayName, set.Note
		s.Bonjour.CallsFrom, s.Bonjour.PacketTime = set.CallsFrom, set.PacketTime
		return nil
	})
}

// SettingsObject returns a working copy of the account's settings.
func (b *BonjourAccount) SettingsObject() *SettingsObject[BonjourSettings] {
	return &SettingsObject[BonjourSettings]{
		Values: b.Settings(), base: b.Settings(),
		save: func(base, values BonjourSettings) error {
			return b.Change(func(s *BonjourSettings) error {
				take(&s.Enabled, base.Enabled, values.Enabled)
				take(&s.DisplayName, base.DisplayName, values.DisplayName)
				take(&s.Note, base.Note, values.Note)
				take(&s.CallsFrom, base.CallsFrom, values.CallsFrom)
				take(&s.PacketTime, base.PacketTime, values.PacketTime)
				return nil
			})
		},
	}
}

// take brings a change from base to value into now.
func take[T comparable](now *T, base, value T) {
	if value != base {
		*now = value
	}
}

// modifiedBonjour compares the account's settings.
func modifiedBonjour(was, is BonjourSettings) map[string]Modified {
	m := map[string]Modified{}
	note := func(name string, old, now any) {
		if old != now {
			m[name] = Modified{Old: old, New: now}
		}
	}
	note("enabled", was.Enabled, is.Enabled)
	note("display_name", was.DisplayName, is.DisplayName)
	note("note", was.Note, is.Note)
	note("calls_from", was.CallsFrom, is.CallsFrom)
	note("ptime", was.PacketTime, is.PacketTime)
	return m
}
