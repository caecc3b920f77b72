module tessera/interop-mautrix

go 1.26.0

require (
	go.mau.fi/util v0.11.0
	maunium.net/go/mautrix v0.32.0
)
