"""The settings of the backend app; a part of the backend's."""

from pydantic import Field
from pydantic_settings import BaseSettings


class AdminSettings(BaseSettings):
    """Where the app listens, and how it treats its services and jobs."""

    admin_host: str = Field("127.0.0.1", description="address of the backend's own API and page")
    admin_port: int = Field(8001, ge=0, le=65535, description="port of the backend's own API and page")
    admin_session_h: float = Field(12.0, gt=0, description="hours after which a browser must show its key again")
    service_silent_s: float = Field(60.0, gt=0, description="a service that says nothing for so long is started anew")
    service_grace_s: float = Field(20.0, gt=0, description="time a service or job has to end after SIGTERM")
    jobs: dict[str, float] = Field(
        {}, description="seconds between runs by job, as JSON, in place of the usual ones; 0: never by itself"
    )
