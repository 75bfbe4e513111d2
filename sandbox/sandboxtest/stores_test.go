package sandboxtest

import (
	"testing"

	"sandpiper/sandbox"
)

func TestStoresInMemory(t *testing.T) {
	t.Run("runs", func(t *testing.T) {
		TestRunStore(t, func(*testing.T) sandbox.RunStore { return &RunStore{} })
	})
	t.Run("kernel sessions", func(t *testing.T) {
		TestKernelSessionStore(t, func(*testing.T) sandbox.KernelSessionStore { return &KernelSessionStore{} })
	})
	t.Run("snippets", func(t *testing.T) {
		TestSnippetStore(t, func(*testing.T) sandbox.SnippetStore { return &SnippetStore{} })
	})
	t.Run("sandboxes", func(t *testing.T) {
		TestStore(t, func(*testing.T) sandbox.Store { return &Store{} })
	})
	t.Run("SSH access", func(t *testing.T) {
		TestSSHAccessStore(t, func(*testing.T) SandboxesAndSSHAccess { return &Store{} })
	})
	t.Run("credentials", func(t *testing.T) {
		TestCredentialStore(t, func(*testing.T) sandbox.CredentialStore { return &CredentialStore{} })
	})
	t.Run("links to desktops", func(t *testing.T) {
		TestDesktopLinkStore(t, &DesktopLinkStore{Has: func(id string) bool { return id == "a" || id == "b" }})
	})
	t.Run("ended links", func(t *testing.T) { TestPreviewStore(t, &PreviewStore{}) })
}
