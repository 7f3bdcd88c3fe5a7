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

// SetUserStatus changes the person's status. It lasts until the program ends.
func (app *SIPApplication) SetUserStatus(s UserStatus) error {
	if !slices.Contains(UserStatuses(), s) {
		return fmt.Errorf("middleware: there is no status %q", string(s))
	}
	old := app.status.Swap(&s)
	if *old == s {
		return nil
	}
	app.bus.Publish(UserStatusDidChange{Status: s})
	if (*old == Offline) != (s == Offline) {
		for _, a := range app.accounts.GetAccounts() {
			a.queue.Put(a.apply)
		}
	}
	return nil
}
