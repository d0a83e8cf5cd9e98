/* SPDX-License-Identifier: MIT */
#include "kbs/cli/cli.h"

const struct command commands[] = {
    {"image", "add", "NAME", 1, 1, OPTION_BIT(IGVM) | OPTION_BIT(MEASUREMENT),
     "Registers a launch image.\n"
     "VMs that were launched with it may get what policies allow. With --igvm the KBS also learns "
     "its pages, and can explain measurements that differ.",
     run_image_add},
    {"image", "list", "", 0, 0, 0, "Lists the images.", run_image_list},
    {"image", "show", "NAME", 1, 1, 0, "Shows one image.", run_image_show},
    {"image", "retire", "NAME", 1, 1, 0,
     "Retires an image.\n"
     "From now on its VMs get nothing. It stays listed, and its name stays with its measurement.",
     run_image_retire},

    {"policy", "add", "NAME", 1, 1, OPTION_BIT(FILE) | OPTION_BIT(REPLACE),
     "Adds a policy from a file, which is validated.", run_policy_add},
    {"policy", "check", "", 0, 0, OPTION_BIT(FILE), "Validates a policy and changes nothing.",
     run_policy_check},
    {"policy", "list", "", 0, 0, 0, "Lists the policies.", run_policy_list},
    {"policy", "show", "NAME", 1, 1, 0, "Prints the text of a policy.", run_policy_show},
    {"policy", "remove", "NAME", 1, 1, 0,
     "Removes a policy that nothing uses.\n"
     "No secret, no active volume and not the KBS's configuration may have it. Another one gets "
     "its "
     "name with --replace only.",
     run_policy_remove},
    {"policy", "default", "", 0, 0, 0, "Prints the policy that every KBS begins with.",
     run_policy_default},

    {"secret", "put", "REPOSITORY/TYPE/TAG", 1, 1,
     OPTION_BIT(FILE) | OPTION_BIT(POLICY) | OPTION_BIT(REPLACE), "Stores a secret from a file.",
     run_secret_put},
    {"secret", "list", "", 0, 0, 0, "Lists the secrets: never their values.", run_secret_list},
    {"secret", "show", "PATH", 1, 1, 0, "Shows one: never its value.", run_secret_show},
    {"secret", "retire", "PATH", 1, 1, 0,
     "Destroys a secret.\nAnother one is put at its path with --replace only.", run_secret_retire},

    {"volume", "create", "NAME", 1, 1,
     OPTION_BIT(IMAGE) | OPTION_BIT(POLICY) | OPTION_BIT(ID) | OPTION_BIT(KEY_FILE) |
         OPTION_BIT(RELEASE),
     "Registers a TPM state volume with its key.", run_volume_create},
    {"volume", "list", "", 0, 0, 0, "Lists the volumes.", run_volume_list},
    {"volume", "show", "NAME", 1, 1, 0,
     "Shows one volume and its lease: never its key.\n"
     "Whose lease it is and until when, the committed state, what the mode of the lease loses,\n"
     "and of what a VM complained.",
     run_volume_show},
    {"volume", "set-key", "NAME", 1, 1, OPTION_BIT(KEY_FILE) | OPTION_BIT(FORGET_STATE),
     "Gives a volume another key.\n"
     "It does not open what was encrypted with the older one. A volume with a committed state\n"
     "takes --forget-state: the next VM then takes what the new key opens as the first state,\n"
     "or a blank disk, as --first of kbsctl volume set-lease lets it.",
     run_volume_set_key},
    {"volume", "rekey", "NAME", 1, 1, OPTION_BIT(KEY_FILE) | OPTION_BIT(CANCEL),
     "Has the next VM put a volume with leases under another key.\n"
     "The KBS has both keys until that VM has confirmed its first state under the new one, and\n"
     "destroys the older one when the next VM after it has. A power cut in between does no harm.\n"
     "It gives up older copies and backups of the disk. Back up the KBS's store afterwards: one\n"
     "of before does not have the new key. With --cancel the volume stays with its key, as long\n"
     "as no VM has changed over.",
     run_volume_rekey},
    {"volume", "set-lease", "NAME", 1, 1,
     OPTION_BIT(MODE) | OPTION_BIT(SAME_EPOCH) | OPTION_BIT(LEASE_TIME) | OPTION_BIT(CONFIRM_TIME) |
         OPTION_BIT(UNOPENED) | OPTION_BIT(FIRST),
     "Says what leases a volume has.\n"
     "With leases only one VM at a time has the volume, and only the committed state opens.\n"
     "What is not given stays as it is. While a VM has the lease, mode and --same-epoch stay.",
     run_volume_set_lease},
    {"volume", "lease", "show|break NAME", 2, 2, 0,
     "Shows the lease of a volume, or ends it.\n"
     "After a break the next VM waits for nobody. It gives up what the VM that had the lease\n"
     "did not anchor: that VM persists nothing any more, even if it still runs, and has to be\n"
     "started anew.",
     run_volume_lease},
    {"volume", "accept-disk", "NAME STATE", 2, 2, 0,
     "Makes the state committed of which a VM complained.\n"
     "STATE is what kbsctl volume lease show has of the complaint: a counter and a root, or\n"
     "blank. It gives up what was written after that state: counters, lockout, authorizations\n"
     "and definitions are as they were then. With blank the TPM is given up, and all that is\n"
     "sealed to it.",
     run_volume_accept_disk},
    {"volume", "evidence", "NAME", 1, 1, OPTION_BIT(NONCE),
     "Prints the KBS's signed statement of the current epoch of a volume with leases.\n"
     "It is a JWS that a key of kbsctl key list signed: also who has or had the newest lease, and\n"
     "the digest of the TPM's endorsement key. A VM that shows an older epoch of this volume is a\n"
     "copy that was superseded. --nonce is 8 to 88 characters. That it was asked for is in the\n"
     "audit log.",
     run_volume_evidence},
    {"volume", "freeze", "NAME", 1, 1, 0,
     "Gives no VM the key of a volume any more.\n"
     "A VM that runs with a lease persists nothing from its next request on. Nothing is\n"
     "destroyed: kbsctl volume thaw takes it back.",
     run_volume_freeze},
    {"volume", "thaw", "NAME", 1, 1, 0,
     "Gives VMs the key of a frozen volume again.\n"
     "It gives up what the volume was frozen for: lease and committed state are those of\n"
     "before.",
     run_volume_thaw},
    {"volume", "set-image", "NAME", 1, 1, OPTION_BIT(IMAGE),
     "Moves a volume to another image.\nDo this after an update of the SVSM.",
     run_volume_set_image},
    {"volume", "retire", "NAME", 1, 1, 0,
     "Destroys a volume's keys.\n"
     "It gives up the TPM, with all that is sealed to it: the disk and every copy of it open no\n"
     "more. The volume stays listed, and its name is not given again.",
     run_volume_retire},

    {"token", "create", "NAME", 1, 1, OPTION_BIT(ROLE) | OPTION_BIT(EXPIRES) | OPTION_BIT(OUT),
     "Makes a token for another administrator.\nIt is shown, or written to --out, this one time.",
     run_token_create},
    {"token", "list", "", 0, 0, 0, "Lists the tokens' names, roles and times.", run_token_list},
    {"token", "revoke", "NAME", 1, 1, 0, "Revokes a token.\nIts name is not given again.",
     run_token_revoke},

    {"key", "list", "", 0, 0, 0, "Lists the KBS's own signing keys.", run_key_list},
    {"key", "show", "ID", 1, 1, 0,
     "Prints a key's public half as PEM.\nAn image pins that of a key for release records.",
     run_key_show},
    {"key", "rotate", "release|token", 1, 1, 0,
     "Makes a new key that signs from now on.\nThe older ones stay valid until they are retired.",
     run_key_rotate},
    {"key", "retire", "ID", 1, 1, 0, "Destroys a key that is no longer the active one.",
     run_key_retire},

    {"ca", "list", "", 0, 0, 0,
     "Lists the KBS's certificate authorities for endorsement keys of TPMs.", run_ca_list},
    {"ca", "show", "", 0, 0, 0,
     "Prints the authorities' certificates as PEM.\n"
     "Who verifies a TPM's endorsement certificate trusts these: openssl verify -CAfile. The KBS\n"
     "gives them to everybody, too, at /kbs/v0/ca.pem.",
     run_ca_show},
    {"ca", "crl", "", 0, 0, 0,
     "Prints the authorities' CRLs as PEM: which certificates are revoked.\n"
     "They are good for a week. The KBS gives them to everybody, too, at /kbs/v0/ca.crl.",
     run_ca_crl},
    {"ca", "rotate", "", 0, 0, 0,
     "Makes a new authority that gives certificates from now on.\n"
     "What the older ones gave stays valid. VMs get certificates of the new one at their next\n"
     "start. An older one is given up with kbsctl key retire ID: then its certificates and its\n"
     "CRL are served no more.",
     run_ca_rotate},
    {"ca", "revoke", "VOLUME", 1, 1, 0,
     "Revokes the certificates of a volume's TPM.\n"
     "They are on the CRL from now on, and its endorsement keys get no others.",
     run_ca_revoke},

    {"audit", "tail", "", 0, 0, OPTION_BIT(FOLLOW) | OPTION_BIT(LINES),
     "Shows the last lines of the audit log.", run_audit_tail},
    {"audit", "show", "SEQ", 1, 1, 0, "Shows one line of the audit log.", run_audit_show},
    {"audit", "verify", "[FILE]...", 0, 100000,
     OPTION_BIT(EXPECT_HEAD) | OPTION_BIT(KEY) | OPTION_BIT(LIVE) | COMMAND_OFFLINE,
     "Verifies the audit log's chain, or archived files of it.\n"
     "Without files, fetches the whole log and computes its hashes here, without believing the\n"
     "KBS. Note the hash that it prints: given to --expect-head at a later time, it shows that\n"
     "nothing up to there was changed since. With files that kbsctl audit archive wrote, in\n"
     "their order, verifies these and asks no KBS, unless --live is given.",
     run_audit_verify},
    {"audit", "archive", "FOLDER", 1, 1, OPTION_BIT(OLDER_THAN) | OPTION_BIT(KEEP),
     "Moves old lines of the audit log from the KBS to a file.\n"
     "The KBS closes a segment of the log by signing its last line's hash. The segment is\n"
     "written to a new file in FOLDER, made durable, read back and verified; then the KBS prunes\n"
     "it. A command that was interrupted is finished by the next one. kbsctl audit verify\n"
     "verifies the files.",
     run_audit_archive},

    {"status", NULL, "", 0, 0, 0,
     "Shows the state of the KBS: audit log, counts, last attestations.", run_status_show},
    {"explain", NULL, "[MEASUREMENT]", 0, 1, OPTION_BIT(IGVM) | OPTION_BIT(AUDIT),
     "Says why a measurement is not accepted.\n"
     "Compares it, or an IGVM file page by page, with the registered images.",
     run_explain},
};

const size_t command_count = sizeof(commands) / sizeof(commands[0]);
