package api

import (
	"net/http"

	"sandpiper/sandbox"
	"sandpiper/web/reply"
	"sandpiper/web/run/openapi"
)

// Why operations are not served. A reader should know what to do instead.
const (
	noBackups    = "a sandbox is backed up when it is archived; stop it and archive it"
	noSecrets    = "this version has no store of secrets; pass values in env"
	noTelemetry  = "this version collects no telemetry of sandboxes; the toolbox has the present figures at /system/metrics"
	noVolumes    = "this version has no volumes; files stay in a sandbox until it is deleted"
	noRegistries = "this server has no registry; pull or build the image with the container engine and name it"
	noUploads    = "this version builds no images from uploaded files; build the image with the container engine and name it"
	noWebhooks   = "this version sends no webhooks; listen at /api/socket.io/"
	noAudit      = "this version keeps no audit log"
	oneRegion    = "this server is one region, which is as it is"
	localRunner  = "the only runner is inside this server, which needs no word from outside"
	noAccounts   = "this server knows keys and sign-in links, and no accounts of other services"
	onePerson    = "this server has one organization with one member; make API keys for others"
	noAdmin      = "this operation is for operators of many organizations; there is one here"
	noSettings   = "these settings are made where the server is started, not here"
)

// absence is a reason and the operations that are not served for it.
type absence struct {
	reason     string
	operations []openapi.Operation
}

// absences are the operations of the published API that this server does not
// have.
var absences = []absence{
	{noBackups, []openapi.Operation{
		op("POST", "/sandbox/{sandboxIdOrName}/backup", "createBackup", "Create sandbox backup"),
	}},
	{noSecrets, []openapi.Operation{
		op("PUT", "/sandbox/{sandboxIdOrName}/secrets", "updateSandboxSecrets", "Update sandbox secrets"),
		op("GET", "/sandbox/{sandboxId}/secrets", "resolveSandboxSecrets", "Resolve sandbox secrets"),
		op("POST", "/secret", "createSecret", "Create secret"),
		op("GET", "/secret", "listSecrets", "List secrets"),
		op("GET", "/secret/paginated", "listSecretsPaginated", "List secrets with pagination"),
		op("GET", "/secret/{secretId}", "getSecret", "Get secret"),
		op("PATCH", "/secret/{secretId}", "updateSecret", "Update secret"),
		op("DELETE", "/secret/{secretId}", "deleteSecret", "Delete secret"),
	}},
	{noTelemetry, []openapi.Operation{
		op("GET", "/organizations/otel-config/by-sandbox-auth-token/{authToken}", "getOrganizationOtelConfigBySandboxAuthToken", "Get organization OTEL config by sandbox auth token"),
		op("GET", "/organizations/{organizationId}/otel-config", "getOrganizationOtelConfig", "Get organization OTEL config by organization ID"),
		op("PUT", "/organizations/{organizationId}/otel-config", "updateOrganizationOtelConfig", "Update organization OpenTelemetry configuration"),
		op("DELETE", "/organizations/{organizationId}/otel-config", "deleteOrganizationOtelConfig", "Delete organization OpenTelemetry configuration"),
		op("GET", "/sandbox/{sandboxId}/telemetry/logs", "getSandboxLogs", "Get sandbox logs"),
		op("GET", "/sandbox/{sandboxId}/telemetry/traces", "getSandboxTraces", "Get sandbox traces"),
		op("GET", "/sandbox/{sandboxId}/telemetry/traces/{traceId}", "getSandboxTraceSpans", "Get trace spans"),
		op("GET", "/sandbox/{sandboxId}/telemetry/metrics", "getSandboxMetrics", "Get sandbox metrics"),
	}},
	{noVolumes, []openapi.Operation{
		op("GET", "/volumes", "listVolumes", "List all volumes"),
		op("POST", "/volumes", "createVolume", "Create a new volume"),
		op("GET", "/volumes/{volumeId}", "getVolume", "Get volume details"),
		op("DELETE", "/volumes/{volumeId}", "deleteVolume", "Delete volume"),
		op("GET", "/volumes/by-name/{name}", "getVolumeByName", "Get volume details by name"),
	}},
	{noRegistries, []openapi.Operation{
		op("POST", "/docker-registry", "createRegistry", "Create registry"),
		op("GET", "/docker-registry", "listRegistries", "List registries"),
		op("GET", "/docker-registry/registry-push-access", "getTransientPushAccess", "Get temporary registry access for pushing snapshots"),
		op("GET", "/docker-registry/{id}", "getRegistry", "Get registry"),
		op("PATCH", "/docker-registry/{id}", "updateRegistry", "Update registry"),
		op("DELETE", "/docker-registry/{id}", "deleteRegistry", "Delete registry"),
		op("POST", "/admin/docker-registry/{id}/set-default", "adminSetDefaultRegistry", "Set default registry"),
	}},
	{noUploads, []openapi.Operation{
		op("GET", "/object-storage/push-access", "getPushAccess", "Get temporary storage access for pushing objects"),
	}},
	{noWebhooks, []openapi.Operation{
		op("POST", "/admin/webhooks/organizations/{organizationId}/send", "adminSendWebhook", "Send a webhook message to an organization"),
		op("GET", "/admin/webhooks/organizations/{organizationId}/messages/{messageId}/attempts", "adminGetMessageAttempts", "Get delivery attempts for a webhook message"),
		op("GET", "/admin/webhooks/status", "adminGetWebhookStatus", "Get webhook service status"),
		op("POST", "/admin/webhooks/organizations/{organizationId}/initialize", "adminInitializeWebhooks", "Initialize webhooks for an organization"),
		op("POST", "/webhooks/organizations/{organizationId}/app-portal-access", "WebhookController_getAppPortalAccess", "Get Svix Consumer App Portal access for an organization"),
		op("GET", "/webhooks/organizations/{organizationId}/initialization-status", "WebhookController_getInitializationStatus", "Get webhook initialization status for an organization"),
		op("POST", "/webhooks/organizations/{organizationId}/initialize", "WebhookController_initializeWebhooks", "Initialize webhooks for an organization"),
		op("POST", "/webhooks/organizations/{organizationId}/refresh-endpoints", "WebhookController_refreshEndpoints", "Refresh cached endpoint presence flag for an organization"),
	}},
	{noAudit, []openapi.Operation{
		op("GET", "/admin/audit", "adminGetAllAuditLogs", "Get all audit logs"),
		op("GET", "/audit/organizations/{organizationId}", "getOrganizationAuditLogs", "Get audit logs for organization"),
		op("GET", "/audit/scenarios", "getAuditScenarios", "Get supported audit log scenarios"),
	}},
	{oneRegion, []openapi.Operation{
		op("POST", "/regions", "createRegion", "Create a new region"),
		op("DELETE", "/regions/{id}", "deleteRegion", "Delete a region"),
		op("PATCH", "/regions/{id}", "updateRegion", "Update region configuration"),
		op("POST", "/regions/{id}/regenerate-proxy-api-key", "regenerateProxyApiKey", "Regenerate proxy API key for a region"),
		op("POST", "/regions/{id}/regenerate-ssh-gateway-api-key", "regenerateSshGatewayApiKey", "Regenerate SSH gateway API key for a region"),
		op("POST", "/regions/{id}/regenerate-snapshot-manager-credentials", "regenerateSnapshotManagerCredentials", "Regenerate snapshot manager credentials for a region"),
	}},
	{localRunner, []openapi.Operation{
		op("GET", "/sandbox/for-runner", "getSandboxesForRunner", "Get sandboxes for the authenticated runner"),
		op("PUT", "/sandbox/{sandboxId}/state", "updateSandboxState", "Update sandbox state"),
		op("POST", "/runners", "createRunner", "Create runner"),
		op("GET", "/runners/me", "getInfoForAuthenticatedRunner", "Get info for authenticated runner"),
		op("GET", "/runners/me/snapshots", "getSnapshotRefsForAuthenticatedRunner", "Get snapshot refs for authenticated runner"),
		op("DELETE", "/runners/{id}", "deleteRunner", "Delete runner"),
		op("PATCH", "/runners/{id}/scheduling", "updateRunnerScheduling", "Update runner scheduling status"),
		op("PATCH", "/runners/{id}/draining", "updateRunnerDraining", "Update runner draining status"),
		op("POST", "/runners/healthcheck", "runnerHealthcheck", "Runner healthcheck"),
		op("GET", "/jobs/poll", "pollJobs", "Long poll for jobs"),
		op("POST", "/jobs/{jobId}/status", "updateJobStatus", "Update job status"),
		op("POST", "/admin/runners", "adminCreateRunner", "Create runner"),
		op("GET", "/admin/runners", "adminListRunners", "List all runners"),
		op("GET", "/admin/runners/{id}", "adminGetRunnerById", "Get runner by ID"),
		op("DELETE", "/admin/runners/{id}", "adminDeleteRunner", "Delete runner"),
		op("PATCH", "/admin/runners/{id}/scheduling", "adminUpdateRunnerScheduling", "Update runner scheduling status"),
	}},
	{noAccounts, []openapi.Operation{
		op("POST", "/organizations/{organizationId}/sso-enabled", "updateOrganizationSsoEnabled", "Update organization SSO entitlement"),
		op("POST", "/organizations/{organizationId}/identity-providers", "createOrganizationIdentityProvider", "Create organization identity provider"),
		op("GET", "/organizations/{organizationId}/identity-providers", "listOrganizationIdentityProviders", "List organization identity providers"),
		op("GET", "/organizations/{organizationId}/identity-providers/{id}", "getOrganizationIdentityProvider", "Get organization identity provider"),
		op("PATCH", "/organizations/{organizationId}/identity-providers/{id}", "updateOrganizationIdentityProvider", "Update organization identity provider"),
		op("DELETE", "/organizations/{organizationId}/identity-providers/{id}", "deleteOrganizationIdentityProvider", "Delete organization identity provider"),
		op("POST", "/organizations/{organizationId}/identity-providers/test-connection", "testOrganizationIdentityProviderConnection", "Test OIDC identity provider connection"),
		op("POST", "/users/linked-accounts", "linkAccount", "Link account"),
		op("DELETE", "/users/linked-accounts/{provider}/{providerUserId}", "unlinkAccount", "Unlink account"),
		op("POST", "/users/mfa/sms/enroll", "enrollInSmsMfa", "Enroll in SMS MFA"),
		op("POST", "/users/me/pending-sso-links/{id}/confirm", "confirmPendingSsoLink", "Confirm (link) a pending SSO account link"),
		op("DELETE", "/users/me/pending-sso-links/{id}", "dismissPendingSsoLink", "Dismiss a pending SSO account link"),
	}},
	{onePerson, []openapi.Operation{
		op("POST", "/organizations/invitations/{invitationId}/accept", "acceptOrganizationInvitation", "Accept organization invitation"),
		op("POST", "/organizations/invitations/{invitationId}/decline", "declineOrganizationInvitation", "Decline organization invitation"),
		op("POST", "/organizations", "createOrganization", "Create organization"),
		op("POST", "/organizations/{organizationId}/roles", "createOrganizationRole", "Create organization role"),
		op("PUT", "/organizations/{organizationId}/roles/{roleId}", "updateOrganizationRole", "Update organization role"),
		op("DELETE", "/organizations/{organizationId}/roles/{roleId}", "deleteOrganizationRole", "Delete organization role"),
		op("POST", "/organizations/{organizationId}/users/{userId}/access", "updateAccessForOrganizationMember", "Update access for organization member"),
		op("DELETE", "/organizations/{organizationId}/users/{userId}", "deleteOrganizationMember", "Delete organization member"),
		op("POST", "/organizations/{organizationId}/invitations", "createOrganizationInvitation", "Create organization invitation"),
		op("PUT", "/organizations/{organizationId}/invitations/{invitationId}", "updateOrganizationInvitation", "Update organization invitation"),
		op("POST", "/organizations/{organizationId}/invitations/{invitationId}/cancel", "cancelOrganizationInvitation", "Cancel organization invitation"),
		op("POST", "/admin/users", "adminCreateUser", "Create user"),
		op("GET", "/admin/users", "adminListUsers", "List all users"),
		op("POST", "/admin/users/{id}/regenerate-key-pair", "adminRegenerateKeyPair", "Regenerate user key pair"),
		op("GET", "/admin/users/{id}", "adminGetUser", "Get user by ID"),
		op("POST", "/admin/organizations", "adminCreateOrganization", "Create organization for user"),
	}},
	{noAdmin, []openapi.Operation{
		op("POST", "/admin/sandbox/{sandboxId}/recover", "adminRecoverSandbox", "Recover sandbox from error state as an admin"),
		op("GET", "/admin/snapshots/can-cleanup-image", "adminCanCleanupImage", "Check if an image can be cleaned up"),
		op("PATCH", "/admin/snapshots/{id}/general", "adminSetSnapshotGeneralStatus", "Set snapshot general status"),
	}},
	{noSettings, []openapi.Operation{
		op("PATCH", "/organizations/{organizationId}/quota", "updateOrganizationQuota", "Update organization quota"),
		op("PATCH", "/organizations/{organizationId}/quota/{regionId}", "updateOrganizationRegionQuota", "Update organization region quota"),
		op("POST", "/organizations/{organizationId}/suspend", "suspendOrganization", "Suspend organization"),
		op("POST", "/organizations/{organizationId}/unsuspend", "unsuspendOrganization", "Unsuspend organization"),
		op("POST", "/organizations/{organizationId}/sandbox-default-limited-network-egress", "updateSandboxDefaultLimitedNetworkEgress", "Update sandbox default limited network egress"),
		op("POST", "/organizations/{organizationId}/preview-warning", "updateOrganizationPreviewWarning", "Update organization preview warning"),
		op("PUT", "/organizations/{organizationId}/experimental-config", "updateExperimentalConfig", "Update experimental configuration"),
		op("POST", "/admin/organizations/{organizationId}/quota/{regionId}", "adminCreateOrganizationRegionQuota", "Create organization region quota"),
		op("PATCH", "/admin/organizations/{organizationId}/quota/{regionId}", "adminUpdateOrganizationRegionQuota", "Update organization region quota"),
		op("GET", "/admin/organizations/{organizationId}/quota/{regionId}/{sandboxClass}", "adminGetOrganizationRegionQuota", "Get organization region quota"),
		op("DELETE", "/admin/organizations/{organizationId}/quota/{regionId}/{sandboxClass}", "adminDeleteOrganizationRegionQuota", "Delete organization region quota"),
		op("POST", "/admin/organizations/{organizationId}/preview-warning", "adminUpdateOrganizationPreviewWarning", "Update organization preview warning"),
	}},
}

// absentRoutes are the routes of what is not served: clients learn why, and the
// list of operations is whole.
func absentRoutes() []route {
	var all []route
	for _, a := range absences {
		for _, o := range a.operations {
			o.Answers = []openapi.Answer{{Status: http.StatusNotImplemented, Description: a.reason}}
			all = append(all, route{Operation: o, handler: absent(a.reason)})
		}
	}
	return all
}

// absent answers 501 with a reason.
func absent(reason string) reply.Handler {
	return func(http.ResponseWriter, *http.Request) error {
		return &sandbox.Error{Kind: sandbox.KindUnsupported, Message: reason}
	}
}
