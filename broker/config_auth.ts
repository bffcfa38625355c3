import { type CertificateName, METHOD_NAMES, type MethodName, type TokenField } from "./auth/method_names.ts";
import { isLoopback, type OptionValue } from "./config_kinds.ts";
import { ConfigError, type Effective } from "./config_schema.ts";

/** Whom the broker is to know, every field settled. */
export interface AuthOptions {
  /** Those that are set up, in the order in which they are asked. */
  readonly methods: readonly MethodName[];
  readonly allowAnonymous: boolean;
  readonly clientIdPerUser: boolean;
  readonly passwordFile: string | undefined;
  readonly certificateName: CertificateName | undefined;
  readonly jwt: {
    /** A file; or else there is a secret or a URL. */
    readonly keys: string | undefined;
    readonly secret: string | undefined;
    readonly jwksUrl: string | undefined;
    readonly algorithms: readonly string[] | undefined;
    readonly issuer: string | undefined;
    readonly audience: string | undefined;
    readonly field: TokenField;
  };
  readonly hookUrl: string | undefined;
  /** The file of rules. */
  readonly aclFile: string | undefined;
  /** Whether everybody who comes in may do everything, as long as there is no such file. */
  readonly isOpen: boolean;
}

type EffectiveOptions = Map<string, Effective>;

const METHODS = "auth-methods";
const ALLOW_ANONYMOUS = "auth-allow-anonymous";
const ALLOW_EVERYTHING = "auth-allow-everything";
const ACL_FILE = "auth-acl-file";
const JWT_KEYS = "auth-jwt-keys";
const JWT_SECRET = "auth-jwt-secret";
const JWT_URL = "auth-jwt-jwks-url";
/** One of them has the keys of tokens. */
const KEY_PLACES = [JWT_KEYS, JWT_SECRET, JWT_URL];

/** The options that set a method up; one of them does. */
export const SET_UP_BY: Readonly<Record<MethodName, readonly string[]>> = {
  "certificate": ["auth-certificate-name"],
  "jwt": KEY_PLACES,
  "password-file": ["auth-password-file"],
  "hook": ["auth-hook-url"],
};

const WAYS_IN =
  "auth.password-file (pregon passwd makes one), auth.jwt-keys, auth.jwt-secret, auth.jwt-jwks-url, auth.hook-url or auth.certificate-name";

export function authOptions(value: (name: string) => OptionValue | undefined): AuthOptions {
  return {
    methods: value(METHODS) as readonly MethodName[],
    allowAnonymous: value(ALLOW_ANONYMOUS) as boolean,
    clientIdPerUser: value("auth-client-id-per-user") as boolean,
    passwordFile: value("auth-password-file") as string | undefined,
    certificateName: value("auth-certificate-name") as CertificateName | undefined,
    jwt: {
      keys: value(JWT_KEYS) as string | undefined,
      secret: value(JWT_SECRET) as string | undefined,
      jwksUrl: value(JWT_URL) as string | undefined,
      algorithms: value("auth-jwt-algorithms") as readonly string[] | undefined,
      issuer: value("auth-jwt-issuer") as string | undefined,
      audience: value("auth-jwt-audience") as string | undefined,
      field: value("auth-jwt-field") as TokenField,
    },
    hookUrl: value("auth-hook-url") as string | undefined,
    aclFile: value(ACL_FILE) as string | undefined,
    isOpen: value(ALLOW_EVERYTHING) as boolean,
  };
}

/** Who may come in, as a whole: whoever sets up a method does not mean everybody, unless they say so. */
export function settleIdentities(effective: EffectiveOptions): void {
  checkTokens(effective);
  const methods = settleMethods(effective);
  settleRights(effective, methods);
  const { value, source } = effective.get(ALLOW_ANONYMOUS) ?? {};
  if (value === undefined) {
    effective.set(ALLOW_ANONYMOUS, { value: methods.length === 0, source: undefined });
    if (methods.length === 0) checkHosts(effective);
  }
  if (value !== false || methods.length > 0) return;
  throw new ConfigError(
    `Cannot use false for auth.allow-anonymous from ${source}: without ${WAYS_IN} nobody could come in`,
  );
}

/** Who sets up a method means that it matters who somebody is: then nobody may do what no rule allows. */
function settleRights(effective: EffectiveOptions, methods: readonly MethodName[]): void {
  const { value, source } = effective.get(ALLOW_EVERYTHING) ?? {};
  if (value === undefined) {
    effective.set(ALLOW_EVERYTHING, {
      value: methods.length === 0 && !effective.has(ACL_FILE),
      source: undefined,
    });
  } else if (value === true && effective.has(ACL_FILE)) {
    throw new ConfigError(
      `Cannot use true for ${pathOf(ALLOW_EVERYTHING)} from ${source} beside ${
        pathOf(ACL_FILE)
      }: its rules say who may do what`,
    );
  }
}

/** What is set up is asked and nothing else is: a list that leaves one out, or names one more, is a slip. */
function settleMethods(effective: EffectiveOptions): readonly MethodName[] {
  const setUp = METHOD_NAMES.filter((method) => SET_UP_BY[method].some((option) => effective.has(option)));
  const { value, source } = effective.get(METHODS) ?? {};
  if (value === undefined) {
    effective.set(METHODS, { value: setUp, source: undefined });
    return setUp;
  }
  const methods = value as readonly MethodName[];
  const fail = (method: MethodName, problem: string) =>
    new ConfigError(
      `Cannot use ${JSON.stringify(methods)} for auth.methods from ${source}: ${method} ${problem}`,
    );
  for (const [index, method] of methods.entries()) {
    if (methods.indexOf(method) !== index) throw fail(method, "is there twice");
    if (!setUp.includes(method)) throw fail(method, `needs ${SET_UP_BY[method].map(pathOf).join(" or ")}`);
  }
  for (const method of setUp) if (!methods.includes(method)) throw fail(method, "is set up and left out");
  return methods;
}

function checkTokens(effective: EffectiveOptions): void {
  const [one, other] = KEY_PLACES.filter((place) => effective.has(place));
  if (one !== undefined && other !== undefined) {
    throw new ConfigError(`Cannot use both ${pathOf(one)} and ${pathOf(other)}: give one of them`);
  }
  if (one !== undefined) return;
  for (const name of ["auth-jwt-algorithms", "auth-jwt-issuer", "auth-jwt-audience"]) {
    if (!effective.has(name)) continue;
    throw new ConfigError(
      `Cannot use ${pathOf(name)} without ${KEY_PLACES.map(pathOf).join(" or ")}: there are no tokens`,
    );
  }
}

/** As long as nobody said who may come in, only this machine may. */
function checkHosts(effective: EffectiveOptions): void {
  for (const name of ["mqtt-host", "http-host"]) {
    const { value, source } = effective.get(name)!;
    if (isLoopback(value as string)) continue;
    throw new ConfigError(
      `Cannot use ${JSON.stringify(value)} for ${pathOf(name)} from ${source}: everybody could come in; ` +
        `say who may with ${WAYS_IN}, or that all may with auth.allow-anonymous = true`,
    );
  }
}

/** `auth-password-file` as it stands in the file; no section has a dash in its name. */
function pathOf(name: string): string {
  return name.replace("-", ".");
}
