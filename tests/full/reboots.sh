#!/bin/bash
# SPDX-License-Identifier: MIT
# Twenty reboots in a row
exec "$(dirname "$(readlink -f "$0")")/../e2e/reboot.sh" 20
