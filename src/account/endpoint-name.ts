/**
 * Endpoints are compared as host names are: without regard to case, and without the dot that may end one.
 * A port belongs to the endpoint: `a.example.com:443` and `a.example.com` are two.
 */
export function endpointName(endpoint: string): string {
  const lower = endpoint.toLowerCase()
  return lower.endsWith('.') && lower.length > 1 ? lower.slice(0, -1) : lower
}

/** `example.com` of `*.example.com`; null for an endpoint that stands for itself only. */
export function wildcardSuffix(endpoint: string): string | null {
  return endpoint.startsWith('*.') ? endpoint.slice(2) : null
}

/** Every name under which an owner of the endpoint may be recorded, the nearest first. */
export function ownerNames(endpoint: string): readonly string[] {
  const name = endpointName(endpoint)
  const names = [name]
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    if (dot + 1 < name.length) names.push(`*.${name.slice(dot + 1)}`)
  }
  return names
}
