/** How somebody may say who they are, in the order in which the methods are asked. */
export const METHOD_NAMES = ["certificate", "jwt", "password-file", "hook"] as const;
export type MethodName = (typeof METHOD_NAMES)[number];

export const [CERTIFICATE, JWT, PASSWORD_FILE, HOOK] = METHOD_NAMES;

/** Who shows nothing; and who proves to know a password of the password file, and does not show it. */
export const ANONYMOUS = "anonymous";
export const SCRAM = "scram";

/** What a listener may offer. */
export const OFFER_WORDS = [ANONYMOUS, ...METHOD_NAMES, SCRAM] as const;
export type OfferWord = (typeof OFFER_WORDS)[number];

/** Which part of a certificate is the name: the subject's CN, or the first alternative name. */
export const CERTIFICATE_NAMES = ["cn", "san"] as const;
export type CertificateName = (typeof CERTIFICATE_NAMES)[number];

/** Where in CONNECT, and in HTTP's Basic, a token may be. */
export const TOKEN_FIELDS = ["password", "username"] as const;
export type TokenField = (typeof TOKEN_FIELDS)[number];
