package middleware

import (
	"fmt"
	"slices"
)

// A UserStatus is the person's own status.
type UserStatus string

// The statuses. DoNotDisturb turns callers away with "busy"; Offline takes the
// accounts off their registrars. Calls that are going on do so.
const (
	Online       UserStatus = "ONLINE"
	Away         UserStatus = "AWAY"
	DoNotDisturb UserStatus = "DND"
	Offline      UserStatus = "OFFLINE"
)

// UserStatuses lists all statuses in the order shown.
func UserStatuses() []UserStatus { return []UserStatus{Online, Away, DoNotDisturb, Offline} }

// UserStatus returns the person's status.
func (app *SIPApplication) UserStatus() UserStatus { return *app.status.Load() }

// SetUserStatus changes the person's status. It lasts until the program ends,
// but for DoNotDisturb, which is a setting too and stays. An error of saving that
// is returned; the status is in force even so.
func (app *SIPApplication) SetUserStatus(s UserStatus) (err error) {
	if !slices.Contains(UserStatuses(), s) {
		return fmt.Errorf("middleware: there is no status %q", string(s))
	}
	old := app.status.Swap(&s)
	if *old == s {
		return nil
	}
	app.bus.Publish(UserStatusDidChange{Status: s})
	app.accounts.BonjourAccount().lan.refresh()
	if dnd := s == DoNotDisturb; app.settings.Get().Calls.DoNotDisturb != dnd {
		err = app.ChangeSettings(func(set *Settings) error {
			set.Calls.DoNotDisturb = dnd
			return nil
		})
	}
	if (*old == Offline) != (s == Offline) {
		for _, a := range app.accounts.GetAccounts() {
			a.queue.Put(a.apply)
		}
	}
	return err
}

// followDoNotDisturb makes the status what the setting says.
func (app *SIPApplication) followDoNotDisturb(on bool) {
	if on == (app.UserStatus() == DoNotDisturb) {
		return
	}
	status := Online
	if on {
		status = DoNotDisturb
	}
	if err := app.SetUserStatus(status); err != nil {
		app.log.Warn("Status not changed", "err", err)
	}
}
