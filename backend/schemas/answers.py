"""What answers of several dialects are made of: what comes from the domain, a message, and dialect C's envelope."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

Data = TypeVar("Data")


class FromDomain(BaseModel):
    """An answer built from a domain object."""

    model_config = ConfigDict(from_attributes=True)


class Message(BaseModel):
    """What happened."""

    message: str


class Envelope(BaseModel, Generic[Data]):
    """What every success of dialect C comes in."""

    success: bool = True
    data: Data
    message: str


def said(sentence: str) -> Envelope[Message]:
    """Answer with nothing but a sentence."""
    return Envelope(data=Message(message=sentence), message=sentence)
