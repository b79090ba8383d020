"""Rendering of templates: all values are escaped, and a missing value is an error."""

from __future__ import annotations

import jinja2
from markupsafe import Markup


def render_template(package: str, template: str, /, **values: object) -> Markup:
    """Render a template in a package's folder."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package, "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return Markup(environment.get_template(template).render(**values))  # noqa: S704 - escaped as it was filled
