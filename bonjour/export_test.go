package bonjour

// Waiting returns how many packets and commands wait for the loop of an engine.
func Waiting(e *Engine) int { return e.inbox.Len() }
