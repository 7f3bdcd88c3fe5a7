package middleware

import (
	"parley/storage"
)

// Settings is everything that can be set but accounts' passwords. It is a plain
// value; changing a copy changes nothing else.
type Settings = storage.Settings

// A Problem is something found wrong in the profile.
type Problem = storage.Problem

// A ValueError reports a value that a setting cannot have.
type ValueError = storage.ValueError

// A SettingKey describes one setting by name: its values, and how to read and
// write it as text.
type SettingKey = storage.Key[storage.Settings]

// An AccountKey describes one setting of an account.
type AccountKey = storage.Key[storage.Account]

// SettingKeys lists the general settings by name.
func SettingKeys() []SettingKey { return storage.Keys() }

// AccountKeys lists the settings of an account by name.
func AccountKeys() []AccountKey { return storage.AccountKeys() }

// FindSettingKey returns the general setting with that name, or an error that
// suggests the one that was probably meant.
func FindSettingKey(name string) (SettingKey, error) { return storage.FindKey(storage.Keys(), name) }

// FindAccountKey is FindSettingKey for the settings of an account.
func FindAccountKey(name string) (AccountKey, error) {
	return storage.FindKey(storage.AccountKeys(), name)
}

// Settings returns a copy of the settings.
func (app *SIPApplication) Settings() Settings { return app.settings.Get() }

// Problems returns what was found wrong in the profile when it was opened, and
// what was done about it.
func (app *SIPApplication) Problems() []Problem { return app.config.Profile.Problems() }

// ChangeSettings saves changed settings; only then do they take effect, and
// CFGSettingsObjectDidChange tells of each object that changed. Accounts are
// changed through the [AccountManager].
func (app *SIPApplication) ChangeSettings(change func(*Settings) error) error {
	return app.change(func(s *storage.Settings) error {
		accounts, standard := s.Clone().Accounts, s.DefaultAccount
		err := change(s)
		s.Accounts, s.DefaultAccount = accounts, standard
		return err
	})
}

// change is the one way by which settings change.
func (app *SIPApplication) change(f func(*storage.Settings) error) error {
	old, now, err := UpdateSettings(app.settings, f)
	if err != nil {
		return err
	}
	app.tellChanges(old, now)
	return nil
}

// UpdateSettings saves what change changes, unless it refuses; it returns the
// settings from before and after. It is for profiles that no application runs
// on: one that runs is told by [SIPApplication.ChangeSettings].
func UpdateSettings(store *storage.SettingsStore, change func(*Settings) error) (old, now Settings, err error) {
	var refused error
	old, now, err = store.Update(func(s *Settings) {
		before := s.Clone()
		if refused = change(s); refused != nil {
			*s = before
		}
	})
	if refused != nil {
		return old, now, refused
	}
	return old, now, err
}

func (app *SIPApplication) tellChanges(old, now storage.Settings) {
	if m := modified(storage.Keys(), &old, &now); len(m) > 0 {
		app.bus.Publish(CFGSettingsObjectDidChange{Object: "general", Modified: m})
	}
	for i := range now.Accounts {
		a := &now.Accounts[i]
		if was := old.Account(a.ID); was != nil {
			if m := modified(storage.AccountKeys(), was, a); len(m) > 0 {
				app.bus.Publish(CFGSettingsObjectDidChange{Object: a.ID, Modified: m})
			}
		}
	}
	app.accounts.BonjourAccount().follow(bonjourOf(old), bonjourOf(now))
	app.audio.apply()
	if old.Calls.DoNotDisturb != now.Calls.DoNotDisturb {
		app.followDoNotDisturb(now.Calls.DoNotDisturb)
	}
}

// modified compares two settings objects key by key.
func modified[T any](keys []storage.Key[T], old, now *T) map[string]Modified {
	m := map[string]Modified{}
	for _, k := range keys {
		if was, is := k.Get(old), k.Get(now); was != is {
			m[k.Name] = Modified{Old: was, New: is}
		}
	}
	return m
}
