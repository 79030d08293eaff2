"""Topics: names, who writes, who reads, settings and ACLs, all derived from the event catalogue."""

from shared.topics.naming import (
    DIRECTORY_SERVICE,
    TopicName,
    pattern_for,
    read_topic,
    topic_for,
)
from shared.topics.plan import SERVICES, Acl, TopicPlan, acls, plan

__all__ = [
    "DIRECTORY_SERVICE",
    "SERVICES",
    "Acl",
    "TopicName",
    "TopicPlan",
    "acls",
    "pattern_for",
    "plan",
    "read_topic",
    "topic_for",
]
