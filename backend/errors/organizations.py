"""What cannot be done in an organization, or with an invitation to one."""

from backend.errors.families import Conflict, Forbidden, Invalid, NotFound, Unprocessable


class OrganizationNotFound(NotFound):
    """The caller is in no organization of this id; whether there is one is not told."""

    code = "ORGANIZATION_NOT_FOUND"
    detail = "Organization not found"


class MemberNotFound(NotFound):
    """Nobody of this id is in the organization."""

    code = "MEMBER_NOT_FOUND"
    detail = "No member of this organization has this id."


class InvitationNotFound(NotFound):
    """The organization has no open invitation of this id."""

    code = "INVITATION_NOT_FOUND"
    detail = "This invitation is no longer open. Send a new one if it is still needed."


class RoleRequired(Forbidden):
    """The caller's role in the organization does not allow this."""

    code = "ORGANIZATION_ROLE_REQUIRED"
    detail = "Your role in this organization does not allow this. Ask one of its owners."


class LastOwner(Conflict):
    """Without this person nobody could look after the organization."""

    code = "LAST_OWNER"
    detail = "There is no other owner with an active account. Transfer the organization first, or delete it."


class OrganizationInert(Conflict):
    """No owner of the organization has an active account, so that nobody can come in."""

    code = "ORGANIZATION_INERT"
    detail = "Nobody can join this organization: none of its owners has an active account."


class TooManyOrganizations(Conflict):
    """The person is in as many organizations as an access token can name."""

    code = "TOO_MANY_ORGANIZATIONS"
    detail = "You have reached the maximum number of organizations. Leave one of them first."


class TooManyInvitations(Conflict):
    """The organization has as many open invitations as it may have."""

    code = "TOO_MANY_INVITATIONS"
    detail = "This organization has reached the maximum number of open invitations. Revoke some of them first."


class AlreadyMember(Conflict):
    """The person is in the organization already."""

    code = "ALREADY_MEMBER"
    detail = "This person is already a member of the organization."


class AlreadyInvited(Conflict):
    """The address has an open invitation to the organization."""

    code = "ALREADY_INVITED"
    detail = "This address already has an open invitation. Send it again, or revoke it first."
    field = "email"


class InvitationDeclined(Conflict):
    """Whoever has the address said no lately."""

    code = "INVITATION_DECLINED"
    detail = "This address declined an invitation recently. Ask the person first, then give them a link."
    field = "email"


class InvitationInvalid(Invalid):
    """The token of an invitation is unknown, used, taken back or too old; which of these is not told."""

    code = "INVITATION_INVALID"
    detail = "This invitation is no longer valid. Please ask for a new one."
    field = "token"


class InvitationForAnother(Forbidden):
    """The invitation is for another address than the caller's; for which is not told."""

    code = "INVITATION_FOR_ANOTHER"
    detail = "This invitation is for another email address. Sign in with the account that has it."


class InvitationWithoutAddress(Invalid):
    """There is nobody to whom the invitation could be sent."""

    code = "NO_ADDRESS"
    detail = "This invitation has no email address. Create a link and share it."


class InvalidInvitation(Unprocessable):
    """Nobody can be invited so."""

    code = "INVALID_INVITATION"
    detail = "People can be invited as member or admin. An owner can make them owner afterwards."
    field = "role"


class InvalidOrganizationName(Unprocessable):
    """An organization cannot be called so; `detail` says why, `field` where the name was given."""

    code = "INVALID_ORGANIZATION_NAME"

    def __init__(self, detail: str, field: str = "name") -> None:
        """Say what is wrong, and with which field."""
        super().__init__(detail)
        self.field = field  # type: ignore[misc]  # who signs up gives it under another name
