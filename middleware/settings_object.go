package middleware

import (
	"fmt"

	"parley/storage"
)

// A SettingsObject is a working copy of settings: its Values are changed freely
// and take effect with Save. It belongs to the goroutine that asked for it.
type SettingsObject[T any] struct {
	Values T

	base T // as loaded, or last saved
	save func(base, values T) error
}

// Save saves what was changed in Values since they were loaded or last saved,
// and leaves what others changed meanwhile as it is; what is set under the names
// of [SettingKeys] or [AccountKeys] is saved, and nothing else. The change is
// told by CFGSettingsObjectDidChange; without one nothing is told. An error, as
// a [*ValueError] that names the setting, leaves everything as it was.
func (o *SettingsObject[T]) Save() error {
	if err := o.save(o.base, o.Values); err != nil {
		return err
	}
	o.base = o.Values
	return nil
}

// SettingsObject returns a working copy of the general settings.
func (app *SIPApplication) SettingsObject() *SettingsObject[Settings] {
	return &SettingsObject[Settings]{
		Values: app.settings.Get(), base: app.settings.Get(),
		save: func(base, values Settings) error {
			return app.ChangeSettings(func(s *Settings) error { return merge(storage.Keys(), s, &base, &values) })
		},
	}
}

// SettingsObject returns a working copy of the account's settings.
func (a *Account) SettingsObject() *SettingsObject[AccountSettings] {
	return &SettingsObject[AccountSettings]{
		Values: a.Settings(), base: a.Settings(),
		save: func(base, values AccountSettings) error {
			return a.app.accounts.ChangeAccount(a.id, func(s *AccountSettings) error {
				return merge(storage.AccountKeys(), s, &base, &values)
			})
		},
	}
}

// merge brings the changes from base to values into now.
func merge[T any](keys []storage.Key[T], now, base, values *T) error {
	for _, k := range keys {
		if k.Get(values) == k.Get(base) {
			continue
		}
		if err := k.Check(values); err != nil {
			return fmt.Errorf("middleware: %w", err)
		}
		if err := k.Set(now, k.Get(values)); err != nil {
			return fmt.Errorf("middleware: %w", err)
		}
	}
	return nil
}
