#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Run by mmdebstrap with the new root file system as $1: what saves boot time, and what makes it a neutral Debian.
set -eu
root=$1

# Packages that a scenario installs come from a repository in the image: a machine reaches no mirror.
repository=$root/opt/lab-apt
generic=$root/opt/lab-generic
install -d "$repository/partial" "$root/opt/lab-ntp" "$generic"
APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -qq --yes --download-only -o Dir::Cache::archives="$repository" \
    install chrony prometheus-node-exporter linux-image-amd64
mv "$repository"/linux-image-[0-9]*.deb "$generic/kernel.deb"
rm -r "$repository"/linux-image-*.deb "$repository/partial" "$repository/lock"
for deb in "$repository"/*.deb; do
    name=${deb##*/}
    chroot "$root" dpkg-deb -x "/opt/lab-apt/$name" /opt/lab-ntp
    chroot "$root" dpkg-deb -f "/opt/lab-apt/$name"
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$name" "$(stat -c %s "$deb")" \
        "$(sha256sum "$deb" | cut -d ' ' -f 1)"
done >"$repository/Packages"

# Another kernel, for network cards that the cloud kernel has no driver of. Only its modules stay on the disk: kernel and
# initramfs are handed to QEMU (image.py takes them), and update-grub must not see them.
chroot "$root" dpkg-deb -x /opt/lab-generic/kernel.deb /opt/lab-generic/deb
version=$(basename "$generic"/deb/boot/vmlinuz-* | cut -d - -f 2-)
mv "$generic"/deb/boot/vmlinuz-* "$generic/vmlinuz"
mv "$generic"/deb/boot/config-* "$root/boot/"
mv "$generic"/deb/usr/lib/modules/* "$root/usr/lib/modules/"
chroot "$root" depmod "$version"
cp -a "$root/etc/initramfs-tools" "$generic/conf"
echo 'MODULES=list' >>"$generic/conf/initramfs.conf"
printf 'nvme\next4\n' >"$generic/conf/modules"
chroot "$root" mkinitramfs -d /opt/lab-generic/conf -c gzip -o /opt/lab-generic/initrd "$version"
rm -rf "$generic/deb" "$generic/conf" "$generic/kernel.deb" "$root/boot/config-$version"

chown -R 0:0 "$root/etc/systemd" "$root/etc/modprobe.d" "$root/etc/ssh" "$root/usr/local/sbin"
install -d "$root/etc/systemd/system-generators"
install -d -m 0700 "$root/root/.ssh"
echo lab >"$root/etc/hostname"
printf '127.0.0.1 localhost lab\n' >"$root/etc/hosts"
printf '/dev/nvme0n1p1 / ext4 rw,noatime 0 0\n' >"$root/etc/fstab"
chroot "$root" systemd-machine-id-setup
rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap" "$root/etc/apt/sources.list.d/"*
echo 'deb [trusted=yes] file:/opt/lab-apt ./' >"$root/etc/apt/sources.list"
rm -rf "$root"/var/lib/apt/lists/*
chroot "$root" apt-get -qq update

# The kernel has NVMe and ext4 built in: without an initramfs a nested machine boots 15 s faster.
rm -f "$root"/boot/initrd.img* "$root"/initrd.img*
echo 'update_initramfs=no' >"$root/etc/initramfs-tools/update-initramfs.conf"

chroot "$root" systemctl enable ssh.service lab-network.service lab-key.service
chroot "$root" systemctl disable systemd-timesyncd.service
chroot "$root" systemctl set-default multi-user.target
# What a machine in a cloud has for people, disks and devices that these machines have not.
chroot "$root" systemctl mask \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
    systemd-tmpfiles-clean.timer e2scrub_reap.service grub-common.service ldconfig.service \
    getty.target getty-static.service console-setup.service keyboard-setup.service \
    dev-hugepages.mount dev-mqueue.mount run-lock.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
    sys-fs-fuse-connections.mount sys-kernel-config.mount tmp.mount proc-sys-fs-binfmt_misc.automount \
    modprobe@configfs.service modprobe@drm.service modprobe@efi_pstore.service modprobe@fuse.service \
    systemd-binfmt.service systemd-firstboot.service systemd-hwdb-update.service \
    systemd-journal-catalog-update.service systemd-journal-flush.service \
    systemd-network-generator.service systemd-pcrphase.service systemd-pcrphase-sysinit.service \
    systemd-pcrextend.socket systemd-pcrlock.socket systemd-creds.socket \
    systemd-random-seed.service systemd-sysusers.service \
    dbus.socket dbus.service systemd-logind.service \
    systemd-udev-load-credentials.service systemd-update-done.service systemd-update-utmp.service
# Without its generator cloud-init sleeps; a scenario that wants it removes that link.
for generator in systemd-ssh-generator systemd-gpt-auto-generator systemd-tpm2-generator cloud-init-generator; do
    ln -sf /dev/null "$root/etc/systemd/system-generators/$generator"
done
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/usr/share/doc/* "$root"/usr/share/locale/*
